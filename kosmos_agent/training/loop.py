"""The training loop: resumable, interruptible, the same on a CPU and on one GPU."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor, nn
from torch.utils.data import DataLoader

from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.training.batches import Batch, Collate, ExampleStream
from kosmos_agent.training.curves import draw_curves
from kosmos_agent.training.examples import Example
from kosmos_agent.training.losses import Objective
from kosmos_agent.training.optimizer import Optimizer
from kosmos_agent.training.parallel import Workers
from kosmos_agent.training.settings import TrainSettings
from kosmos_agent.training.state import MasterWeights, RunState, has_state, load_state, save_state
from kosmos_agent.training.validate import validate

Examples = Callable[[int], Iterator[Example]]
"""seed -> endless stream."""
SaveModel = Callable[[Kosmos2, Path], None]


class _Trained(nn.Module):
    """Model and helper heads under one roof, so that one optimiser and one file hold both."""

    def __init__(self, model: Kosmos2, helpers: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.helpers = helpers


class Trainer:
    """Everything about a run lives in `folder`: state/, averaged/ (published layout), history.jsonl, curves.png."""

    def __init__(
        self,
        model: Kosmos2,
        objective: Objective,
        collate: Collate,
        settings: TrainSettings,
        folder: Path,
        *,
        device: str = "cpu",
        console: Console | None = None,
    ) -> None:
        self.settings, self.folder, self.collate = settings, folder, collate
        self.device = torch.device(device)
        self.workers = Workers(self.device)
        self.console = console or Console(quiet=not self.workers.leads)
        self._wants_stop = self._stopped = False
        self.model, self.objective = model.to(self.device), objective.to(self.device)
        self.module = _Trained(self.model, self.objective.helpers)
        weights = MasterWeights(self.module)
        average = {name: value.detach().clone() for name, value in weights.tensors().items()}
        self.state = RunState(weights, average, Optimizer(weights.masters, settings))
        if has_state(folder / "state"):
            load_state(self.state, folder / "state")
            self.console.print(f"resumed at step {self.state.step}, {self.state.pictures} pictures")

    def run(self, examples: Examples, held_out: Sequence[Example], save_model: SaveModel) -> dict[str, object]:
        """Train to `settings.steps`; Ctrl-C or SIGTERM saves and returns. Returns the last held-out scores."""
        torch.set_num_threads(self.settings.threads)
        with stopping_signals(self._wish_to_stop):
            return self._loop(examples, held_out, save_model)

    def _loop(self, examples: Examples, held_out: Sequence[Example], save_model: SaveModel) -> dict[str, object]:
        meter = _Meter(self.console, self.settings.log_seconds)
        started = checkpoint_at = validate_at = time.monotonic()
        for batch in self._batches(examples):
            meter.add(self._step(batch), len(batch.ids) * self.workers.size, self.state, self.settings)
            if _minutes_since(started) > self.settings.max_minutes:
                self._wish_to_stop()
            if self._stopped or self.state.step >= self.settings.steps:
                break
            if self.workers.leads and _minutes_since(checkpoint_at) > self.settings.checkpoint_minutes:
                save_state(self.state, self.folder / "state")
                checkpoint_at = time.monotonic()
            if self.workers.leads and _minutes_since(validate_at) > self.settings.validate_minutes:
                self._validate(held_out, save_model, meter.last)
                validate_at = time.monotonic()
        return self._finish(held_out, save_model, meter.last)

    def _wish_to_stop(self, *_: object) -> None:
        """Seen by all processes at the end of the step."""
        self._wants_stop = True

    def _finish(
        self, held_out: Sequence[Example], save_model: SaveModel, losses: dict[str, float]
    ) -> dict[str, object]:
        scores: dict[str, object] = {}
        if self.workers.leads:
            save_state(self.state, self.folder / "state")
            scores = self._validate(held_out, save_model, losses)
        self.workers.wait()
        return scores

    def _batches(self, examples: Examples) -> Iterator[Batch]:
        seed = self.settings.seed + 1000 + self.state.step
        stream = ExampleStream(examples, seed * self.workers.size + self.workers.rank)
        processes = self.settings.loader_processes
        loader: DataLoader[Example] = DataLoader(
            stream,
            batch_size=self.settings.batch_size,
            collate_fn=self.collate,
            num_workers=processes,
            prefetch_factor=4 if processes else None,
            pin_memory=self.device.type == "cuda",
            worker_init_fn=_leave_stopping_to_parent,
        )
        for batch in loader:
            yield batch.to(self.device)

    def _step(self, batch: Batch) -> dict[str, Tensor]:
        started = time.monotonic()
        state, settings = self.state, self.settings
        self.module.train()
        parts = self.objective(self.model, batch, dense_only=state.step < settings.dense_only_steps)
        state.optimizer.clear_gradients()
        parts["loss"].backward()
        if state.step < settings.helpers_only_steps:
            self.model.zero_grad()
        state.weights.take_gradients()
        masters = state.weights.masters.values()
        self._stopped = self.workers.average_gradients(masters, stop=self._wants_stop)
        nn.utils.clip_grad_norm_(masters, settings.gradient_clip)
        state.optimizer.step(settings.rate(state.step))
        state.weights.give_weights()
        state.step += 1
        state.pictures += len(batch.ids) * self.workers.size
        if self.workers.leads:
            state.update_average(settings.average)
        state.seconds += time.monotonic() - started
        return {name: value.detach() for name, value in parts.items()}

    def _validate(
        self, held_out: Sequence[Example], save_model: SaveModel, losses: dict[str, float]
    ) -> dict[str, object]:
        """Scores of the averaged weights, which are also what is saved."""
        raw = {name: value.detach().clone() for name, value in self.state.weights.tensors().items()}
        self.state.weights.load(self.state.average)
        self.module.eval()
        scores = validate(self.model, held_out, replace(self.collate, smallest_px=None))
        save_model(self.model, self.folder / "averaged")
        self.state.weights.load(raw)
        record = {"step": self.state.step, "pictures": self.state.pictures, "hours": self.state.seconds / 3600}
        with (self.folder / "history.jsonl").open("a") as file:
            file.write(json.dumps({**record, "losses": losses, **scores}) + "\n")
        draw_curves(self.folder / "history.jsonl", self.folder / "curves.png")
        self.console.print(_score_line(scores))
        return scores


class _Meter:
    """Means over the last stretch, printed as one line every `seconds`."""

    def __init__(self, console: Console, seconds: float) -> None:
        self.console, self.seconds = console, seconds
        self.since, self.pictures, self.count = time.monotonic(), 0, 0
        self.sums: dict[str, Tensor] = {}
        self.last: dict[str, float] = {}

    def add(self, parts: dict[str, Tensor], pictures: int, state: RunState, settings: TrainSettings) -> None:
        self.pictures, self.count = self.pictures + pictures, self.count + 1
        self.sums = {name: self.sums.get(name, torch.zeros(())) + value.cpu() for name, value in parts.items()}
        elapsed = time.monotonic() - self.since
        if elapsed < self.seconds:
            return
        self.last = {name: float(value) / self.count for name, value in self.sums.items()}
        words = "  ".join(f"{name} {value:.3f}" for name, value in self.last.items())
        rate = f"{self.pictures / elapsed:.0f} pictures/s"
        self.console.print(f"step {state.step}/{settings.steps}  {state.pictures} pictures  {rate}  {words}")
        self.since, self.pictures, self.count, self.sums = time.monotonic(), 0, 0, {}


@contextmanager
def stopping_signals(handler: Callable[..., None]) -> Iterator[None]:
    """SIGINT and SIGTERM go to `handler` meanwhile; on other threads than the main one they stay as they are."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _leave_stopping_to_parent(_: int) -> None:
    """Terminals and torchrun signal whole groups; a loader that ended before the last step would lose the run's end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _minutes_since(moment: float) -> float:
    return (time.monotonic() - moment) / 60


def _score_line(scores: dict[str, object]) -> str:
    sizes = scores["by_size"]
    kinds = scores["by_kind"]
    parts = [f"held out: {scores.get('accuracy_iou50', 0):.3f} at IoU 0.5, AUROC {scores['presence_auroc']:.3f}"]
    for group in (sizes, kinds):
        if isinstance(group, dict):
            parts += [f"{name} {item.get('accuracy_iou50', float('nan')):.3f}" for name, item in group.items()]
    return "  ".join(parts)
