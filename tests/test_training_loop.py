"""Training: it learns, it resumes as if it had never stopped, and its files open as a model."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import torch
from test_sequences import ABSENT, PLURAL, REFER, SLOTS, example
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.cli._train import ship_tabletop
from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.model.checkpoint import load_model, save_model
from kosmos_agent.training.batches import Collate, Vocabulary
from kosmos_agent.training.initialise import initialise
from kosmos_agent.training.loop import Trainer
from kosmos_agent.training.losses import Helpers, LossWeights, Objective, smoothed_locations
from kosmos_agent.training.settings import TrainSettings
from kosmos_agent.training.state import load_state

VOCABULARY = Vocabulary(("cup", "box"), ("red", "blue"))
EXAMPLES = [example(REFER, PLURAL), example(REFER, ABSENT)]


def stream(seed):
    return cycle(EXAMPLES)


def trainer(folder, **settings):
    model = tiny_model(0, conv=True, slots=SLOTS)
    helpers = Helpers(model.config.vision.hidden_size, model.config.text.embed_dim, VOCABULARY)
    objective = Objective(helpers, LossWeights(), TOKENIZER.first_location_id, TOKENIZER.grid_side)
    chosen = {"batch_size": 2, "loader_processes": 0, "threads": 1, "warmup_steps": 2, "decay_steps": 0, **settings}
    return Trainer(model, objective, Collate(TOKENIZER, VOCABULARY, SLOTS), TrainSettings(**chosen), folder)


def run(folder, **settings):
    running = trainer(folder, **settings)
    running.run(stream, EXAMPLES, partial(save_model, tokenizer=TOKENIZER))
    return running


def test_a_resumed_run_equals_one_that_never_stopped(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    straight = run(whole, steps=6, dense_only_steps=2)
    run(parts, steps=3, dense_only_steps=2)
    resumed = run(parts, steps=6, dense_only_steps=2)
    assert resumed.state.step == straight.state.step == 6
    for name, value in straight.state.weights.tensors().items():
        assert torch.equal(value, resumed.state.weights.tensors()[name]), name
    for name, value in straight.state.average.items():
        assert torch.equal(value, resumed.state.average[name]), name


def test_loss_falls_and_the_saved_average_opens_as_a_model(tmp_path):
    tmp_path.mkdir(exist_ok=True)
    running = trainer(tmp_path, steps=60, dense_only_steps=0, learning_rate=3e-3)
    batch = running.collate(EXAMPLES)
    before = running.objective(running.model, batch)["loss"].item()
    scores = running.run(stream, EXAMPLES, partial(save_model, tokenizer=TOKENIZER))
    after = running.objective(running.model, batch)["loss"].item()
    assert after < 0.7 * before
    assert scores["n"] == 2
    assert (tmp_path / "curves.png").stat().st_size > 1000
    opened = load_model(tmp_path / "averaged", dtype=torch.float32)
    kept = running.state.average["model.text_model.model.layer_norm.weight"]
    assert torch.allclose(opened.text_model.model.layer_norm.weight, kept)
    assert json.loads((tmp_path / "history.jsonl").read_text().splitlines()[-1])["step"] == 60


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_saves_and_ends(tmp_path, number):
    """As terminals and torchrun send it: to the loading processes too."""
    code = (
        "import sys, pathlib; from test_training_loop import run; folder = pathlib.Path(sys.argv[1])\n"
        "print(run(folder, steps=10**6, loader_processes=1, checkpoint_minutes=1e-3).state.step)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parent, start_new_session=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    state = tmp_path / "state" / "state.json"
    while not state.is_file():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, number)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(state.read_text())["step"]) == (0, int(said.split()[-1]))


@pytest.mark.parametrize("last", [False, True])
def test_the_average_is_shipped_or_the_last_steps_weights(tmp_path, last):
    running = run(tmp_path / "run", steps=3, dense_only_steps=0, learning_rate=3e-2)
    (tmp_path / "run" / "run.jsonl").write_text("{}\n")
    shipped = tmp_path / "shipped"
    assert ship_tabletop(tmp_path / "run", shipped, last=last) == (shipped / "model.safetensors").stat().st_size
    kept = {False: running.state.average, True: running.state.weights.tensors()}
    name = "text_model.model.layers.0.self_attn.q_proj.weight"
    values = {way: tensors[f"model.{name}"].bfloat16() for way, tensors in kept.items()}
    assert not torch.equal(values[False], values[True])
    assert torch.equal(load_model(shipped, dtype=torch.bfloat16).state_dict()[name], values[last])


def test_a_state_with_a_missing_file_is_refused(tmp_path):
    running = run(tmp_path, steps=1)
    (tmp_path / "state" / "moments.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"moments\.safetensors"):
        load_state(running.state, tmp_path / "state")


def test_first_steps_train_the_vision_tower_alone(tmp_path):
    running = trainer(tmp_path, steps=2, dense_only_steps=2)
    before = running.model.text_model.model.embed_tokens.weight.detach().clone()
    parts = running.objective(running.model, running.collate(EXAMPLES), dense_only=True)
    parts["loss"].backward()
    assert set(parts) == {"dense", "loss"}
    assert running.model.text_model.model.embed_tokens.weight.grad is None
    assert running.model.vision_model.model.project.weight.grad is not None
    assert torch.equal(before, running.model.text_model.model.embed_tokens.weight)


def test_new_heads_on_a_trained_model_learn_alone_at_first(tmp_path):
    running = trainer(tmp_path, steps=2, dense_only_steps=0, helpers_only_steps=2)
    before = {name: value.detach().clone() for name, value in running.module.named_parameters()}
    running.run(stream, EXAMPLES, partial(save_model, tokenizer=TOKENIZER))
    changed = {name for name, value in running.module.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {name for name in before if name.startswith("helpers.")}


@pytest.mark.parametrize("step", [0, 1, 50, 899, 950, 999])
def test_the_rate_rises_holds_and_falls(step):
    settings = TrainSettings(steps=1000, warmup_steps=10, decay_steps=100, learning_rate=1.0)
    expected = {0: 0.1, 1: 0.2, 50: 1.0, 899: 1.0, 950: 0.5, 999: 0.02}[step]
    assert settings.rate(step) == pytest.approx(expected)


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"steps": 0}, {"average": 1.0}])
def test_settings_outside_their_range_are_refused(bad):
    with pytest.raises(InvalidArgumentError):
        TrainSettings(**bad)


def test_smoothed_targets_are_centred_distributions():
    smooth = smoothed_locations(32, 0.6)
    assert torch.allclose(smooth.sum(1), torch.ones(1024))
    assert torch.equal(smooth.argmax(1), torch.arange(1024))


def test_slots_start_by_looking_at_their_own_place():
    model = tiny_model(0, conv=True, slots=4)
    initialise(model, TOKENIZER.first_location_id, TOKENIZER.grid_side)
    resampler, vision = model.image_to_text_projection, model.config.vision
    with torch.no_grad():
        states = model.vision_model(torch.zeros(1, 3, 64, 64))
        source = resampler.dense(torch.nn.functional.normalize(states, dim=-1))[0]
        query = resampler.x_attn.q_proj(resampler.latent_query)
        score = query @ resampler.x_attn.k_proj(source).T
    quadrant = [(row // 2) * 2 + column // 2 for row in range(4) for column in range(4)]
    for slot in range(4):
        inside = np.array(quadrant) == slot
        assert score[slot][inside].mean() > score[slot][~inside].mean()
    assert vision.hidden_size == model.config.text.embed_dim
