"""A training run by a recipe: the same steps on one process and on many, resumable to the bit, interruptible."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor

from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.training.loop import stopping_signals
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.rows.batch import TokenBatch, batch_of
from kosmos_agent.training.scale import run_state
from kosmos_agent.training.scale.adapters import add_adapters, merge_adapters
from kosmos_agent.training.scale.devices import new_accelerator, over_all
from kosmos_agent.training.scale.history import History, draw_losses
from kosmos_agent.training.scale.loss import Learner, checkpoint_layers
from kosmos_agent.training.scale.parts import freeze, train_mode
from kosmos_agent.training.scale.recorded import check_recipe, record_recipe
from kosmos_agent.training.scale.rejects import Rejects
from kosmos_agent.training.scale.start import begin
from kosmos_agent.training.scale.steps import Share, Steps
from kosmos_agent.training.sources.context import Context, untold
from kosmos_agent.training.sources.index import INDEX_FOLDER, Index
from kosmos_agent.training.sources.mixture import Mixture
from kosmos_agent.training.sources.source import Source

OpenSources = Callable[[Context], Mapping[str, Source]]
"""The sources of the recipe by title."""


class Run:
    """Everything of a run lies in `folder`: recipe.json, state/, history.jsonl, losses.png, rejects.jsonl, model/."""

    def __init__(
        self,
        recipe: Recipe,
        open_sources: OpenSources,
        folder: Path,
        *,
        model: Path | None = None,
        console: Console | None = None,
    ) -> None:
        """model: where the finished model goes, if not into `folder`."""
        self.recipe, self.folder, self.model_folder = recipe, folder, model or folder / "model"
        if recipe.compute.threads is not None:
            torch.set_num_threads(recipe.compute.threads)
        self.accelerator = new_accelerator(recipe.compute)
        self.leads = self.accelerator.is_main_process
        self.console = console or Console(quiet=not self.leads)
        self.rejects = Rejects(folder)
        if self.leads:
            folder.mkdir(parents=True, exist_ok=True)
            check_recipe(recipe, folder)
            if run_state.saved_at(folder / run_state.STATE_FOLDER) is None:
                self.rejects.forget()
        self.start = begin(recipe.model, recipe.seed)
        self._open_steps(open_sources)
        self._prepare()
        self.history = History(folder)
        loaded = run_state.load(folder / run_state.STATE_FOLDER, self.learner, self.optimizer)
        self.progress = loaded or run_state.Progress()
        if self.leads:
            record_recipe(recipe, folder)
        self._wants_stop = False

    def train(self, until: int | None = None) -> bool:
        """To the recipe's last step, to `until`, or until Ctrl-C or SIGTERM. Whether the recipe is done.

        The state is saved in any of these cases, the model when the recipe is done.
        """
        last = min(until or self.recipe.schedule.steps, self.recipe.schedule.steps)
        if self.leads:
            self.history.rewind(self.progress.step)
            self.console.print(f"step {self.progress.step} of {last}, {self.accelerator.num_processes} process(es)")
        try:
            with stopping_signals(self._wish_to_stop):
                while self.progress.step < last and not self._step():
                    if self.progress.step % self.recipe.saving.every_steps == 0:
                        self.save()
        finally:
            self.steps.close()
        self.save()
        done = self.progress.step >= self.recipe.schedule.steps
        if done:
            self.write_model()
        return done

    def save(self) -> None:
        """State and curves."""
        run_state.save(
            self.folder / run_state.STATE_FOLDER, self.learner, self.optimizer, self.progress, leads=self.leads
        )
        if self.leads:
            draw_losses(self.history, self.folder / "losses.png")
        self.accelerator.wait_for_everyone()

    def write_model(self) -> None:
        """In the published layout, adapters merged."""
        weights = run_state.whole_weights(self.learner)
        if not self.leads:
            return
        model = begin(self.recipe.model, self.recipe.seed).model
        adapters = add_adapters(model, self.recipe.lora) if self.recipe.lora is not None else None
        model.load_state_dict(weights)
        if adapters is not None:
            model = merge_adapters(adapters)
        save_model(model, self.model_folder, tokenizer=self.start.tokenizer, copy_from=self.start.copy_from)

    def _open_steps(self, open_sources: OpenSources) -> None:
        recipe, start = self.recipe, self.start
        told = self.rejects.add if self.leads else untold
        index = Index(self.folder / INDEX_FOLDER)
        context = Context.of(recipe, start.tokenizer, start.model.config, told, index, self._warn)
        with self.accelerator.main_process_first():
            sources = open_sources(context)
        self.mixture = Mixture(
            {item.title: (sources[item.title], item.per_step) for item in recipe.data},
            row_tokens=recipe.batch.row_tokens,
            on_reject=self.rejects.add,
        )
        self.steps = Steps(
            self.mixture,
            recipe.batch,
            rank=self.accelerator.process_index,
            world=self.accelerator.num_processes,
            threads=recipe.compute.loader_threads,
        )

    def _warn(self, said: str) -> None:
        self.console.print(f"warning: {said}", markup=False, soft_wrap=True)

    def _prepare(self) -> None:
        """What is trained, and on which devices it lies."""
        recipe, model = self.recipe, self.start.model
        if recipe.lora is not None:
            add_adapters(model, recipe.lora)
        else:
            freeze(model, recipe.freeze)
        if recipe.compute.checkpoint_activations:
            checkpoint_layers(model)
        several = self.accelerator.num_processes > 1
        learner = Learner(model, head_chunk=recipe.compute.head_chunk, sources=len(recipe.data), always_sees=several)
        optimiser = recipe.optimiser
        trained = [parameter for parameter in learner.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(
            trained,
            lr=recipe.schedule.learning_rate,
            betas=optimiser.betas,
            eps=optimiser.epsilon,
            weight_decay=optimiser.weight_decay,
        )
        self.learner, prepared = self.accelerator.prepare(learner, optimizer)
        self.optimizer: torch.optim.Optimizer = prepared.optimizer
        self.trained = [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def _step(self) -> bool:
        """One step of all processes. Whether one of them was asked to stop."""
        started = time.monotonic()
        recipe, step = self.recipe, self.progress.step
        share = self.steps.share(step)
        counted, tokens, most, stop = self._agree(share)
        train_mode(self.learner)
        torch.manual_seed((recipe.seed * 1_000_003 + step) * 4_096 + self.accelerator.process_index)
        sums = self._gradients(share, int(counted.sum()), most)
        norm = self.accelerator.clip_grad_norm_(self.trained, recipe.optimiser.gradient_clip)
        rate = recipe.schedule.rate(step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.tokens += tokens
        self.progress.seconds += time.monotonic() - started
        if self.progress.step % recipe.saving.log_every_steps == 0:
            self._log(over_all(self.accelerator, sums), counted, rate, float(norm))
        return stop

    def _agree(self, share: Share) -> tuple[Tensor, int, int, bool]:
        """Over all processes: learnt tokens by source, all tokens, the most passes of one, whether one must stop."""
        counts = over_all(self.accelerator, torch.tensor([*share.counted.tolist(), share.tokens]))
        highest = over_all(self.accelerator, torch.tensor([len(share.passes), int(self._wants_stop)]), "max")
        return counts[:-1], int(counts[-1]), int(highest[0]), bool(highest[1])

    def _gradients(self, share: Share, counted: int, most: int) -> Tensor:
        """Gradients of the mean over all learnt tokens of all processes; the sums of the losses by source.

        Processes average their gradients, hence the factor. Sharded weights are joined after every pass: the whole
        gradients of a pass would not fit.
        """
        accelerator = self.accelerator
        sums = torch.zeros(len(self.recipe.data), dtype=torch.float64)
        for number in range(most):
            waits = number < most - 1 and self.recipe.compute.sharding == "none"
            with accelerator.no_sync(self.learner) if waits else nullcontext():
                total, by_source = self.learner(self._batch(share, number))
                accelerator.backward(total * (accelerator.num_processes / max(1, counted)))
            sums += by_source.double().cpu()
        return sums

    def _batch(self, share: Share, number: int) -> TokenBatch:
        """An empty one for a process that is through before the others."""
        rows = share.passes[number] if number < len(share.passes) else ()
        side = self.start.model.config.vision.image_size
        return batch_of(rows, self.start.tokenizer.pad_id, side).to(self.accelerator.device)

    def _log(self, sums: Tensor, counted: Tensor, rate: float, norm: float) -> None:
        if not self.leads:
            return
        progress, titles = self.progress, self.mixture.titles
        parts = zip(titles, sums.tolist(), counted.tolist(), strict=True)
        by_source = {title: total / count if count else None for title, total, count in parts}
        loss = float(sums.sum()) / max(1, int(counted.sum()))
        facts = {"step": progress.step, "loss": loss, "by_source": by_source, "rate": rate, "gradient_norm": norm}
        self.history.add({**facts, "tokens": progress.tokens, "seconds": round(progress.seconds, 3)})
        words = "  ".join(f"{title} {value:.3f}" for title, value in by_source.items() if value is not None)
        speed = progress.tokens / max(progress.seconds, 1e-9)
        last = self.recipe.schedule.steps
        self.console.print(f"step {progress.step}/{last}  loss {loss:.4f}  {words}  {speed:.0f} tokens/s")

    def _wish_to_stop(self, *_: object) -> None:
        """Seen by all processes at the end of a step."""
        self._wants_stop = True
