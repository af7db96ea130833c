"""The benchmarks of whole ways, stopped and called again."""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def benchmark(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(pairs, shards=1, **rejected):
    counts = {"pairs": pairs, "kept": pairs - sum(rejected.values()), "rejected": rejected, "shards": shards}
    times = {"seconds": pairs / 10, "first_pair_seconds": 0.1 if pairs else None}
    return {**counts, **times, "stage_seconds": {"detect": pairs / 20} if pairs else {}}


@pytest.fixture
def grit(monkeypatch, tmp_path):
    module = benchmark("bench_grit")

    def call(found):
        def answer(command, **options):
            out = Path(command[command.index("--out") + 1])
            out.mkdir(exist_ok=True)
            (out / "00000.parquet").touch()
            return subprocess.CompletedProcess(command, 0, json.dumps(found) + "\n")

        monkeypatch.setattr(module.subprocess, "run", answer)
        return module.build(tmp_path / "pairs", tmp_path / "grit")

    return call


def test_reports_are_summed_over_the_calls_that_built_something(grit, tmp_path):
    grit(report(1_000, shards=4, nothing_grounded=10))
    both = grit(report(250, nothing_grounded=2, invalid_caption=1))
    assert (both["pairs"], both["kept"], both["shards"]) == (1_250, 1_237, 5)
    assert both["rejected"] == {"nothing_grounded": 12, "invalid_caption": 1}
    assert (both["seconds"], both["stage_seconds"]) == (125.0, {"detect": 62.5})
    assert grit(report(0, shards=0)) == both
    (tmp_path / "grit" / "00000.parquet").unlink()
    assert grit(report(30))["pairs"] == 30, "a folder that was deleted begins anew"


def test_a_folder_that_another_command_built_is_named(grit):
    with pytest.raises(SystemExit, match=r"delete .*grit to time it"):
        grit(report(0, shards=0))


def test_data_whose_making_was_stopped_is_made_again(monkeypatch, tmp_path):
    module = benchmark("bench_paper")
    made = []

    def run(command):
        out = Path(command[command.index("--out") + 1])
        out.mkdir(parents=True, exist_ok=True)
        if out.name.startswith(("second", "tops")):
            assert not any(out.iterdir())
            made.append(out.name)
            (out / "half").touch()
            if len(made) == 1:
                raise KeyboardInterrupt
        return "{}"

    monkeypatch.setattr(module, "run", run)
    with pytest.raises(KeyboardInterrupt):
        module.make_data(tmp_path, 10)
    for _ in range(2):
        module.make_data(tmp_path, 10)
    assert made == ["second.part", "second.part", "tops.part"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grit", "pairs", "second", "tops"]


def test_each_evaluation_keeps_its_records_below_its_run(monkeypatch, tmp_path):
    module = benchmark("bench_paper")
    outs = {}

    def run(command):
        outs[command[command.index("eval") + 1]] = command[command.index("--out") + 1]
        return "{}"

    monkeypatch.setattr(module, "run", run)
    assert set(module.evaluate(tmp_path, "pretrained", 3)) == set(module.FIGURES)
    assert outs == {name: str(tmp_path / "eval" / "pretrained" / name) for name in module.FIGURES}
