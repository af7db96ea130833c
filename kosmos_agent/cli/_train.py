"""Joins the simulation's pictures to the trainer; imported only by the command that trains."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path

import torch
from kosmos_sim.cache import SceneCache
from kosmos_sim.examples import DEFAULT_MIXTURE, evaluation_examples, training_examples
from kosmos_sim.lexicon import CATEGORIES, COLOURS
from kosmos_sim.splits import VALIDATION, train_seed
from kosmos_sim.stream import split_records
from kosmos_sim.words import vocabulary

from kosmos_agent.errors import CheckpointError, InvalidArgumentError, InvalidConfigError
from kosmos_agent.inference.devices import check_device
from kosmos_agent.model.checkpoint import load_model, load_tokenizer, save_model
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.profile import Profile
from kosmos_agent.tokenizer import Tokenizer, build_word_tokenizer
from kosmos_agent.training.batches import Vocabulary
from kosmos_agent.training.loop import Trainer
from kosmos_agent.training.parallel import Workers
from kosmos_agent.training.recipe.reading import read_any
from kosmos_agent.training.recipe.tabletop import TabletopRecipe
from kosmos_agent.training.settings import TrainSettings
from kosmos_agent.training.state import has_state, last_model_weights
from kosmos_agent.training.tabletop import new_collate, new_model, new_objective

MAX_SHARD_BYTES = 16 << 20
"""So that a run on another machine can be brought back through a narrow door."""
MAX_SHIPPED_BYTES = 25_000_000
RUN_FILE = "run.jsonl"
_HELPERS_ONLY_STEPS = 150
"""A checkpoint holds no helper heads, so a run that starts from one begins with new ones."""
_CELL_PX = 16
_PROFILE = Profile(
    grounded_answers=False,
    detailed_captions=False,
    zoom=True,
    mean_boxes=True,
    both_ways=True,
    list_captions=True,
    second_opinion=True,
    bfloat16=True,
)
"""Answers and captions as trained, on mirrored pictures too. A second look costs it milliseconds."""


@dataclass(frozen=True)
class Pictures:
    """What is trained on: `count` rendered pictures kept in `cache`, seen at `size` pixels with `phrases` tasks each.

    smallest: `Collate.smallest_px`. captions: percent of the tasks. row_tokens: `Collate.max_tokens`.
    held_out: validation scenes, seen at the same size.
    """

    cache: Path
    count: int
    held_out: int
    phrases: int
    size: int
    smallest: int | None
    captions: float
    row_tokens: int

    def __post_init__(self) -> None:
        for side in (self.size, self.smallest or self.size):
            if side % _CELL_PX:
                raise InvalidArgumentError(f"side {side} must be a multiple of {_CELL_PX} pixels")


@dataclass(frozen=True)
class Machine:
    """Where and how long a recipe is trained: what no recipe says."""

    run: Path
    cache: Path
    start_from: Path | None
    validate_minutes: float
    minutes: float | None
    workers: int
    device: str
    threads: int


def train_by_recipe(config: str, changes: tuple[str, ...], machine: Machine) -> None:
    """`train_tabletop` with everything that is trained taken from a recipe of the kind tabletop."""
    recipe = read_any(config, changes)
    if not isinstance(recipe, TabletopRecipe):
        raise InvalidConfigError(f"{config} is a recipe for `train {recipe.recipe}`; valid here: one for tabletop")
    known = {field.name for field in fields(TrainSettings)}
    settings = TrainSettings(
        **{name: value for name, value in recipe.model_dump().items() if name in known},
        loader_processes=machine.workers,
        threads=machine.threads,
        validate_minutes=machine.validate_minutes,
        max_minutes=math.inf if machine.minutes is None else machine.minutes,
    )
    pictures = Pictures(
        cache=machine.cache,
        count=recipe.pictures,
        held_out=recipe.held_out,
        phrases=recipe.phrases,
        size=recipe.size,
        smallest=recipe.smallest,
        captions=recipe.captions,
        row_tokens=recipe.row_tokens,
    )
    train_tabletop(settings, machine.run, pictures, machine.start_from, machine.device)


def train_tabletop(
    settings: TrainSettings, run: Path, pictures: Pictures, start_from: Path | None, device: str
) -> None:
    """Render what is missing, then train. The validation scenes are those of `splits.VALIDATION`, never the test's."""
    check_device(device)
    if start_from is not None:
        settings = replace(settings, dense_only_steps=0, helpers_only_steps=_HELPERS_ONLY_STEPS)
    run.mkdir(parents=True, exist_ok=True)
    model, tokenizer = _start(run, start_from, settings.seed)
    workers = Workers(torch.device(device))
    if workers.leads:
        _describe(run, settings, pictures)
        _records(settings, pictures).fill(workers=settings.loader_processes + 1)
    workers.wait()
    records = _records(settings, pictures)
    validation = list(split_records(VALIDATION, pictures.held_out))
    words = Vocabulary(CATEGORIES, COLOURS)
    objective = new_objective(model, tokenizer, words)
    collate = new_collate(model, tokenizer, words, pictures.smallest, pictures.row_tokens)
    mixture = {**DEFAULT_MIXTURE, "caption": pictures.captions}
    Trainer(model, objective, collate, settings, run, device=device).run(
        partial(training_examples, records, phrases=pictures.phrases, size=pictures.size, mixture=mixture),
        list(evaluation_examples(validation, VALIDATION.seed, size=pictures.size)),
        partial(_save, tokenizer),
    )


def _records(settings: TrainSettings, pictures: Pictures) -> SceneCache:
    return SceneCache(pictures.cache, train_seed(settings.seed), pictures.count)


def _describe(run: Path, settings: TrainSettings, pictures: Pictures) -> None:
    """Append to run.jsonl how the run was started or resumed: the whole recipe of its weights, call by call."""
    record = {"scene_seed": train_seed(settings.seed), **asdict(settings), **asdict(pictures)}
    del record["cache"]
    record["max_minutes"] = settings.max_minutes if math.isfinite(settings.max_minutes) else None
    with (run / RUN_FILE).open("a") as file:
        file.write(json.dumps(record) + "\n")


def _start(run: Path, start_from: Path | None, seed: int) -> tuple[Kosmos2, Tokenizer]:
    """A run keeps the tokenizer that it began with: another vocabulary would give its embeddings other meanings.

    Only a run with a state has begun: of several processes that start together, one may have written the tokenizer.
    """
    kept = run / "tokenizer.json"
    if has_state(run / "state"):
        tokenizer = Tokenizer.from_file(kept)
        return new_model(tokenizer, seed), tokenizer
    tokenizer = build_word_tokenizer(vocabulary()) if start_from is None else load_tokenizer(start_from)
    tokenizer.save(kept)
    if start_from is None:
        return new_model(tokenizer, seed), tokenizer
    return load_model(start_from, dtype=torch.float32).requires_grad_(True), tokenizer


def _save(tokenizer: Tokenizer, model: Kosmos2, folder: Path) -> None:
    save_model(model, folder, tokenizer=tokenizer, max_shard_bytes=MAX_SHARD_BYTES)


def ship_tabletop(run: Path, out: Path, *, last: bool = False) -> int:
    """Averaged weights as bfloat16, tokenizer, profile and the run's record into `out`; the weights' size in bytes.

    last: those of the last step in their place. A calibration that lies there is for other weights: fit a new one
    (`kosmos-agent calibrate`).
    """
    model = load_model(run / "averaged", dtype=torch.float32)
    if last:
        model.load_state_dict(last_model_weights(run / "state"))
    save_model(model.to(torch.bfloat16), out, tokenizer=load_tokenizer(run / "averaged"))
    _PROFILE.write(out)
    shutil.copyfile(run / RUN_FILE, out / RUN_FILE)
    size = (out / "model.safetensors").stat().st_size
    if size > MAX_SHIPPED_BYTES:
        raise CheckpointError(f"{out} is {size} bytes; at most {MAX_SHIPPED_BYTES} may be shipped")
    return size
