"""Runs by recipe: killed and resumed they are the same run, whatever stands still stands still, the model opens."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model
from training_data import tiny_recipe, write_everything

from kosmos_agent.cli.app import main
from kosmos_agent.errors import CheckpointError, InvalidArgumentError, InvalidConfigError
from kosmos_agent.model.checkpoint import load_model, save_model
from kosmos_agent.training.recipe.reading import parse_recipe
from kosmos_agent.training.scale.parts import part_of
from kosmos_agent.training.scale.run import Run
from kosmos_agent.training.sources.opening import opener

PROCESS = Path(__file__).with_name("training_process.py")
PATIENCE_S = 240


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_everything(folder)
    model = tiny_model(0)
    model.text_model.model.config = model.config.text
    save_model(model, folder / "start", tokenizer=TOKENIZER)
    return folder


def new_run(data, folder, **changes):
    recipe = parse_recipe(tiny_recipe(data / "start", **changes))
    return Run(recipe, opener(recipe, data), folder)


def losses(folder):
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [(record["step"], record["loss"], record["by_source"]) for record in map(json.loads, lines)]


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """A run that nobody stopped."""
    folder = tmp_path_factory.mktemp("straight")
    assert new_run(data, folder).train()
    return folder


def kill_at(command, run, steps):
    """Start a process in a group of its own, wait until it has logged `steps` steps, kill the whole group."""
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    history, deadline = run / "history.jsonl", time.monotonic() + PATIENCE_S
    while not history.exists() or len(history.read_text().splitlines()) < steps:
        assert process.poll() is None, "the run ended by itself"
        assert time.monotonic() < deadline, "the run did not come so far"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_killed_run_goes_on_bit_for_bit(data, straight, tmp_path):
    kill_at([sys.executable, str(PROCESS), str(data), str(data / "start"), str(tmp_path), "5"], tmp_path, 5)
    assert json.loads((tmp_path / "state" / "state.json").read_text())["step"] == 4
    resumed = new_run(data, tmp_path)
    assert resumed.progress.step == 4
    assert resumed.train()
    assert losses(tmp_path) == losses(straight)
    one, other = (load_model(folder / "model").state_dict() for folder in (straight, tmp_path))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize("sharding", ["none", "full"])
def test_two_processes_killed_go_on_bit_for_bit(data, tmp_path, sharding):
    """Their losses are those of one process, too, as far as sums in another order can be."""
    recipe = tmp_path / "recipe.toml"
    content = tiny_recipe(data / "start", compute={"precision": "float32", "threads": 1, "sharding": sharding})
    recipe.write_text(as_toml(content))
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "kosmos_agent", "train", "pretrain", "--config", str(recipe), "--data", str(data)]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run([*command, "--run-folder", str(whole)], check=True, capture_output=True)
    kill_at([*command, "--run-folder", str(parts)], parts, 3)
    subprocess.run([*command, "--run-folder", str(parts)], check=True, capture_output=True)
    assert losses(parts) == losses(whole)
    assert new_run(data, tmp_path / "one").train()
    for (_, single, _), (_, double, _) in zip(losses(tmp_path / "one"), losses(whole), strict=True):
        assert double == pytest.approx(single, rel=1e-4)


@pytest.mark.slow
def test_workers_of_ray_learn_what_one_process_learns(data, tmp_path):
    """Stopped half way and gone on with, by Ray's own processes; Ray is ended where it was started."""
    ray = pytest.importorskip("ray", reason="needs the extra [scale]")
    from kosmos_agent.training.scale.ray_run import Cluster, train_on_ray

    content = tiny_recipe(data / "start", compute={"precision": "float32", "threads": 1, "sharding": "none"})
    for until in (3, None):
        train_on_ray(parse_recipe(content), data, tmp_path / "ray", Cluster(workers=2, cpus=0.5), until)
        assert not ray.is_initialized()
    assert new_run(data, tmp_path / "one").train()
    single, double = losses(tmp_path / "one"), losses(tmp_path / "ray")
    assert [step for step, _, _ in double] == [step for step, _, _ in single]
    assert [loss for _, loss, _ in double] == pytest.approx([loss for _, loss, _ in single], rel=1e-4)


def as_toml(recipe):
    """Of a recipe without tables in tables; JSON's values are TOML's here."""
    plain = [f"{key} = {json.dumps(value)}" for key, value in recipe.items() if not isinstance(value, dict | list)]
    for key, value in recipe.items():
        tables = [("[[data]]", item) for item in value] if key == "data" else [(f"[{key}]", value)]
        if isinstance(value, dict | list):
            for head, table in tables:
                plain += [head, *(f"{name} = {json.dumps(item)}" for name, item in table.items())]
    return "\n".join(plain) + "\n"


def test_the_loss_falls_and_all_seven_kinds_were_learnt(straight):
    records = losses(straight)
    assert records[-1][1] < records[0][1]
    assert all(value is not None for value in records[0][2].values())
    assert set(records[0][2]) == {item["kind"] for item in tiny_recipe("x")["data"]}
    assert (straight / "losses.png").stat().st_size > 1000
    assert not (straight / "rejects.jsonl").exists()


def test_frozen_parts_stand_still(data, tmp_path):
    run = new_run(data, tmp_path, freeze=["vision", "embeddings"], schedule={"steps": 2, "warmup_steps": 1})
    before = {name: value.clone() for name, value in run.start.model.state_dict().items()}
    assert run.train()
    after = run.start.model.state_dict()
    moved = {part_of(name) for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"resampler", "decoder"}


def test_accumulated_passes_give_the_gradients_of_one(data, tmp_path):
    """Whether the rows of a step go through in one pass or one by one."""
    schedule = {"steps": 2, "warmup_steps": 1, "learning_rate": 1e-3}
    ends = []
    for rows in (1, 16):
        run = new_run(data, tmp_path / str(rows), batch={"row_tokens": 96, "rows_per_pass": rows}, schedule=schedule)
        run.train()
        ends.append(losses(tmp_path / str(rows))[-1][1])
    assert ends[0] == pytest.approx(ends[1], rel=1e-5)


def test_bfloat16_with_checkpointed_layers_learns_too(data, tmp_path, straight):
    compute = {"precision": "bfloat16", "checkpoint_activations": True, "head_chunk": 16, "threads": 1}
    new_run(data, tmp_path, compute=compute).train(2)
    assert losses(tmp_path)[0][1] == pytest.approx(losses(straight)[0][1], rel=0.02)


def test_a_state_of_another_model_and_a_recipe_of_another_run_are_refused(data, straight, tmp_path):
    new_run(data, tmp_path).save()
    (tmp_path / "state" / "moments.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"lacks moments\.safetensors"):
        new_run(data, tmp_path)
    with pytest.raises(InvalidConfigError, match=r"another seed"):
        new_run(data, straight, seed=9)


def test_a_start_that_failed_leaves_the_folder_free(data, tmp_path):
    content = tiny_recipe(data / "start", schedule={"steps": 1, "warmup_steps": 0})

    def start(path):
        recipe = parse_recipe({**content, "data": [{"kind": "captions", "per_step": 1, "path": path}]})
        return Run(recipe, opener(recipe, data), tmp_path)

    with pytest.raises(InvalidConfigError, match="there is no"):
        start("nowhere")
    assert start("grit").train()
    with pytest.raises(InvalidConfigError, match="another data;"):
        start("nowhere")


def test_a_broken_picture_is_told_and_replaced(data, tmp_path):
    copy = tmp_path / "data"
    copy.mkdir()
    write_everything(copy)
    broken = sorted((copy / "grit" / "00000").glob("*.png"))[2]
    broken.write_bytes(b"no picture")
    recipe = parse_recipe(
        tiny_recipe(
            data / "start",
            data=[{"kind": "captions", "path": "grit", "per_step": 8}],
            schedule={"steps": 1, "warmup_steps": 0},
        )
    )
    assert Run(recipe, opener(recipe, copy), tmp_path / "run").train()
    rejects = [json.loads(line) for line in (tmp_path / "run" / "rejects.jsonl").read_text().splitlines()]
    assert {(item["source"], item["code"]) for item in rejects} == {("captions", "invalid_image")}
    assert all(broken.stem in item["reason"] for item in rejects)


@pytest.mark.slow
def test_a_workers_own_error_comes_out_of_ray_once(data, tmp_path):
    """What only a worker can find: a saved state that lacks a file."""
    pytest.importorskip("ray", reason="needs the extra [scale]")
    from kosmos_agent.training.scale.ray_run import Cluster, train_on_ray

    recipe = parse_recipe(tiny_recipe(data / "start"))
    new_run(data, tmp_path).save()
    (tmp_path / "state" / "moments.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"lacks moments\.safetensors"):
        train_on_ray(recipe, data, tmp_path, Cluster(workers=2, cpus=0.5))


def test_a_cluster_without_room_is_refused(monkeypatch):
    """Ray would wait for the devices without end."""
    ray = pytest.importorskip("ray", reason="needs the extra [scale]")
    from kosmos_agent.training.scale.ray_run import Cluster, require_room

    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 2.0})
    require_room(Cluster(workers=2, cpus=1))
    with pytest.raises(InvalidArgumentError, match=r"2 workers with 1 GPU each; the cluster has 0 GPU"):
        require_room(Cluster(workers=2, gpus=1))


def test_a_wrong_path_is_found_before_ray_is_started(data, tmp_path):
    pytest.importorskip("ray", reason="needs the extra [scale]")
    from kosmos_agent.training.scale.ray_run import Cluster, train_on_ray

    recipe = parse_recipe(tiny_recipe(data / "start", data=[{"kind": "captions", "path": "nowhere", "per_step": 1}]))
    with pytest.raises(InvalidConfigError, match="source captions: there is no"):
        train_on_ray(recipe, data, tmp_path, Cluster(workers=2, address="127.0.0.1:1"))
    recipe = parse_recipe(tiny_recipe(data / "start"))
    with pytest.raises(InvalidArgumentError, match="no Ray cluster answers"):
        train_on_ray(recipe, data, tmp_path, Cluster(workers=2, address="127.0.0.1:1"))


@pytest.mark.parametrize("option", [["--workers", "2"], ["--address", "auto"], ["--gpus-per-worker", "1"]])
def test_rays_options_without_ray_are_refused(data, tmp_path, capsys, option):
    words = ["train", "pretrain", "--config", "small_pretrain", "--run-folder", str(tmp_path / "run"), *option]
    assert main(words) == 2
    assert f"{' '.join(option)}" in capsys.readouterr().err.replace("1.0", "1")
    assert not (tmp_path / "run").exists()
