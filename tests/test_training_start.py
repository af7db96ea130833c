"""What a run of the embedded model begins with: a checkpoint's weights, in every process of it, or its own state."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

pytest.importorskip("matplotlib", reason="kosmos-agent[train] is not installed")

from kosmos_agent.cli._train import _start
from kosmos_agent.model.checkpoint import load_model
from kosmos_agent.model.folder import locate


def test_all_processes_that_start_together_take_the_checkpoint(tmp_path: Path) -> None:
    shipped = locate("tabletop")
    wanted = load_model(shipped, dtype=torch.float32).state_dict()
    for _ in range(2):
        model, _ = _start(tmp_path, shipped, seed=1)
        assert all(torch.equal(value, wanted[name]) for name, value in model.state_dict().items())
        assert all(value.requires_grad for value in model.parameters())
        assert (tmp_path / "tokenizer.json").is_file()


def test_without_a_checkpoint_the_seed_makes_the_weights(tmp_path: Path) -> None:
    first, second, other = (_start(tmp_path, None, seed)[0] for seed in (1, 1, 2))
    name = "text_model.model.layers.0.ffn.fc1.weight"
    weights = [model.state_dict()[name] for model in (first, second, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
