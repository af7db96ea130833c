"""The same evaluation in this process and on a real local Ray: the same bytes; errors and resuming as without it."""

import json
import os
from functools import partial
from pathlib import Path

import pytest
import ray
from benchmark_files import CUP, referring_file
from pydantic import TypeAdapter
from tiny_kosmos import tiny_grounder

from kosmos_agent import ray_cluster
from kosmos_agent.errors import (
    EvaluationError,
    InvalidArgumentError,
    InvalidImageError,
    KosmosAgentError,
    UnknownModelError,
)
from kosmos_agent.evaluation.asking.phrases import WrittenPhrases
from kosmos_agent.evaluation.batch.journal import RECORDS_FILE, Journal
from kosmos_agent.evaluation.batch.on_ray import on_ray
from kosmos_agent.evaluation.batch.run import by_picture, in_process, run
from kosmos_agent.evaluation.benchmarks.files import PictureFolder
from kosmos_agent.evaluation.benchmarks.mdetr import read_refcoco
from kosmos_agent.evaluation.scores.boxes import GroundingRecord, grounding_figures

LOAD = partial(tiny_grounder, location_gain=1.6)
ASKER = WrittenPhrases(max_new_tokens=10)
ADAPTER = TypeAdapter(GroundingRecord)


def pictures(folder):
    path = referring_file(folder, expressions=(("the red cup", CUP), ("box", CUP), ("what is it", CUP)))
    benchmark = read_refcoco(path, "refcoco", "val")
    return by_picture(benchmark.samples, PictureFolder(folder, ("train2014",)).path)


def journal(folder):
    folder.mkdir(exist_ok=True)
    return Journal(folder / RECORDS_FILE, ADAPTER, {"model": "tiny"})


def test_nothing_left_to_ask_starts_no_ray(tmp_path):
    assert list(on_ray(LOAD, ASKER, workers=1, address="127.0.0.1:1")([])) == []


def test_a_cluster_that_does_not_answer_is_named(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        list(on_ray(LOAD, ASKER, workers=1, address="127.0.0.1:1")(pictures(tmp_path)))


def test_a_cluster_that_is_named_by_nothing_and_a_ray_that_does_not_start(tmp_path, monkeypatch):
    def failed(**_):
        raise ConnectionError("nothing runs here")

    monkeypatch.setattr(ray_cluster.ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray_cluster.ray, "init", failed)
    with pytest.raises(InvalidArgumentError, match=r"no Ray cluster at auto \(nothing runs here\)"):
        list(on_ray(LOAD, ASKER, workers=1, address="auto")(pictures(tmp_path)))
    with pytest.raises(EvaluationError, match="Ray did not start on this machine: nothing runs here"):
        list(on_ray(LOAD, ASKER, workers=1, address=None)(pictures(tmp_path)))


def no_model():
    raise UnknownModelError("gone", ["tabletop"])


@pytest.fixture(scope="module")
def local_ray():
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": path}},
    )
    yield
    ray.shutdown()


@pytest.mark.slow
def test_records_and_scores_on_ray_are_those_of_one_process(tmp_path, local_ray):
    """Resuming included: what one engine began, the other finishes."""
    some = pictures(tmp_path)
    assert len(some) == 2
    local = run(some, in_process(LOAD(), ASKER), journal(tmp_path / "local"))
    engine = on_ray(LOAD, ASKER, workers=2, address=None)
    remote = run(some, engine, journal(tmp_path / "ray"))
    assert (tmp_path / "ray" / RECORDS_FILE).read_bytes() == (tmp_path / "local" / RECORDS_FILE).read_bytes()
    assert json.dumps(grounding_figures(remote)) == json.dumps(grounding_figures(local))
    run(some[:1], in_process(LOAD(), ASKER), journal(tmp_path / "both"))
    assert run(some, engine, journal(tmp_path / "both")) == local
    with pytest.raises(KosmosAgentError, match="unknown model 'gone'; valid: tabletop") as raised:
        list(on_ray(no_model, ASKER, workers=1, address=None)(some))
    assert raised.value.code == UnknownModelError.code
    some[1].path.write_bytes(b"no picture")
    with pytest.raises(InvalidImageError, match="is not a picture"):
        run(some, engine, journal(tmp_path / "broken"))
    assert [record.id for record in journal(tmp_path / "broken").records] in ([], ["0", "1"])
    assert ray.is_initialized(), "a Ray that was running before is left running"
