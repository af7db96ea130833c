"""Joins the simulation's pictures to the trainer; imported only by the command that trains."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import torch
from kosmos_sim.cache import SceneCache
from kosmos_sim.examples import evaluation_examples, training_examples
from kosmos_sim.lexicon import CATEGORIES, COLOURS
from kosmos_sim.splits import TEST, VALIDATION, train_seed
from kosmos_sim.stream import scene_records
from kosmos_sim.words import vocabulary
from rich.console import Console

from kosmos_agent.errors import CheckpointError
from kosmos_agent.grounder import PROFILE_FILE
from kosmos_agent.model.checkpoint import load_model, load_tokenizer, save_model
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.batches import Vocabulary
from kosmos_agent.training.loop import Trainer
from kosmos_agent.training.settings import TrainSettings
from kosmos_agent.training.tabletop import new_collate, new_model, new_objective

MAX_SHARD_BYTES = 16 << 20
"""So that a run on another machine can be brought back through a narrow door."""
MAX_SHIPPED_BYTES = 25_000_000


def train_tabletop(
    settings: TrainSettings,
    run: Path,
    cache: Path,
    pictures: int,
    held_out: int,
    phrases: int,
    size: int,
    start_from: Path | None,
    device: str,
) -> None:
    """Render what is missing, then train. The validation scenes are those of `splits.VALIDATION`, never the test's."""
    run.mkdir(parents=True, exist_ok=True)
    records = SceneCache(cache, train_seed(settings.seed), pictures)
    records.fill(workers=max(2, settings.loader_processes))
    validation = list(scene_records(VALIDATION.seed, min(held_out, VALIDATION.scenes)))
    words = Vocabulary(CATEGORIES, COLOURS)
    model, tokenizer = _start(start_from, settings.seed)
    collate = new_collate(model, tokenizer, words)
    trainer = Trainer(model, new_objective(model, tokenizer, words), collate, settings, run, device=device)
    (run / "run.json").write_text(
        json.dumps({"seed": train_seed(settings.seed), "pictures": pictures, "size": size, "test_seed": TEST.seed})
    )
    trainer.run(
        partial(training_examples, records, phrases=phrases, size=size),
        list(evaluation_examples(validation, VALIDATION.seed)),
        partial(_save, tokenizer),
    )
    Console().print(f"averaged weights: {run / 'averaged'}")


def _start(folder: Path | None, seed: int) -> tuple[Kosmos2, Tokenizer]:
    if folder is None:
        return new_model(vocabulary(), seed)
    return load_model(folder, dtype=torch.float32).requires_grad_(True), load_tokenizer(folder)


def _save(tokenizer: Tokenizer, model: Kosmos2, folder: Path) -> None:
    save_model(model, folder, tokenizer=tokenizer, max_shard_bytes=MAX_SHARD_BYTES)


def ship_tabletop(run: Path, out: Path) -> int:
    """Averaged weights as bfloat16, tokenizer and profile into `out`; returns the weights' size in bytes."""
    model = load_model(run / "averaged", dtype=torch.bfloat16)
    save_model(model, out, tokenizer=load_tokenizer(run / "averaged"))
    (out / PROFILE_FILE).write_text(json.dumps({"grounded_answers": False, "detailed_captions": False}) + "\n")
    size = (out / "model.safetensors").stat().st_size
    if size > MAX_SHIPPED_BYTES:
        raise CheckpointError(f"{out} is {size} bytes; at most {MAX_SHIPPED_BYTES} may be shipped")
    return size
