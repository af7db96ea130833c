"""The same stages on Ray Data, really run: the same files as one process, whatever the number of workers."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from grit_parts import MAKERS, DogDetector, HandParser, KillingDetector, jpeg, write_sample, write_shards

ray = pytest.importorskip("ray", reason="needs the extra [scale]")
pytest.importorskip("ray.data", reason="needs the extra [scale]")

from kosmos_agent.grit.building import build, plan, single_process  # noqa: E402
from kosmos_agent.grit.errors import PipelineError  # noqa: E402
from kosmos_agent.grit.ray_engine import RayEngine  # noqa: E402
from kosmos_agent.grit.recipe import Recipe  # noqa: E402

pytestmark = pytest.mark.slow  # Ray and its processes take 20 s to start, busy or not


class Unready(DogDetector):
    def __init__(self):
        raise ValueError("no weights here")


class Dying(DogDetector):
    """Its process is killed, once, by a picture of seven by seven."""

    def detect(self, image, phrases):
        marker = Path(os.environ["GRIT_TEST_MARKER"])
        if image.size == (7, 7) and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().detect(image, phrases)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Started once, with the processes of the two runs; the engine uses what it finds."""
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    marker = tmp_path_factory.mktemp("ray") / "killed"
    ray.init(
        num_cpus=3,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": path, "GRIT_TEST_MARKER": str(marker)}},
    )
    yield marker
    ray.shutdown()


def built(pairs, out, engine, makers=MAKERS):
    tally = build(plan(pairs, out, makers, Recipe()), out, makers, Recipe(), engine)
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return tally, {str(path.relative_to(out)): path.read_bytes() for path in files}


def write_deaths(out, key, index, count):
    mark = out / "attempts" / "00000" / f"{index}.detect"
    mark.parent.mkdir()
    mark.write_text(f'"{key}"\n' * count)


@pytest.mark.usefixtures("cluster")
def test_two_workers_write_the_files_of_one_process(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=3, pairs=4)
    write_sample(pairs / "00001", "broken", picture=jpeg()[:99])
    write_sample(pairs / "00002", "json", facts="{")
    (pairs / "00003.tar").write_bytes(b"x" * 2_000)
    single, files = built(pairs, tmp_path / "single", single_process)
    scaled, scaled_files = built(pairs, tmp_path / "scaled", RayEngine(workers=2))
    assert scaled_files == files
    assert (scaled.kept, scaled.rejected) == (single.kept, single.rejected) == (12, single.rejected)
    again, _ = built(pairs, tmp_path / "scaled", RayEngine(workers=2))
    assert again.pairs == 0


@pytest.mark.usefixtures("cluster")
def test_what_keeps_a_stage_from_starting_is_said(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=1, pairs=1)
    with pytest.raises(PipelineError, match="no weights here"):
        built(pairs, tmp_path / "out", RayEngine(), replace(MAKERS, detector=Unready))


def test_a_detector_that_is_killed_is_started_again_and_nothing_is_lost(tmp_path, cluster):
    pairs = write_shards(tmp_path / "pairs", shards=2, pairs=3)
    write_sample(pairs / "00000", "000000009", picture=jpeg(7, 7))
    _, files = built(pairs, tmp_path / "single", single_process)
    _, scaled = built(pairs, tmp_path / "scaled", RayEngine(), replace(MAKERS, detector=Dying))
    assert cluster.exists()
    assert scaled == files


class DyingParser(HandParser):
    """Its process is killed by every caption that does not begin as the others do."""

    def __call__(self, caption):
        if caption.startswith("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(caption)


class Deadly(DogDetector):
    def detect(self, image, phrases):
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("cluster")
def test_pairs_that_always_kill_their_process_are_set_aside_and_nothing_else_is_lost(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=2, pairs=3)
    _, files = built(pairs, tmp_path / "single", single_process)
    write_sample(pairs / "00000", "000000001x", picture=jpeg(7, 7))
    write_sample(pairs / "00001", "000010001x", caption="kill")
    makers = replace(MAKERS, parser=DyingParser, detector=KillingDetector)
    tally, scaled = built(pairs, tmp_path / "scaled", RayEngine(), makers)
    assert (tally.kept, dict(tally.rejected)) == (6, {"killed_worker": 2})
    lines = [json.loads(scaled.pop(f"rejects/0000{shard}.jsonl")) for shard in (0, 1)]
    assert [(line["key"], line["stage"]) for line in lines] == [("000000001x", "detect"), ("000010001x", "parse")]
    assert scaled == {name: data for name, data in files.items() if not name.startswith("rejects")}
    again, _ = built(pairs, tmp_path / "scaled", RayEngine(), makers)
    assert again.pairs == 0


@pytest.mark.usefixtures("cluster")
def test_what_ray_sets_aside_is_what_one_process_does(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=1, pairs=2)
    write_sample(pairs / "00000", "000000009", picture=jpeg(7, 7))
    makers = replace(MAKERS, detector=KillingDetector)
    for out in ("single", "scaled"):
        plan(pairs, tmp_path / out, makers, Recipe())
        write_deaths(tmp_path / out, "000000009", 2, 2 if out == "single" else 0)
    _, single = built(pairs, tmp_path / "single", single_process, makers)
    _, scaled = built(pairs, tmp_path / "scaled", RayEngine(), makers)
    assert b"killed_worker" in single["rejects/00000.jsonl"]
    assert scaled == single


@pytest.mark.usefixtures("cluster")
def test_a_detector_that_kills_its_process_at_any_picture_ends_the_run(tmp_path):
    """Two deaths at the first picture are told, the one at the plain picture is real."""
    pairs, makers = write_shards(tmp_path / "pairs", shards=1, pairs=2), replace(MAKERS, detector=Deadly)
    plan(pairs, tmp_path / "out", makers, Recipe())
    write_deaths(tmp_path / "out", "000000000", 0, 2)
    with pytest.raises(PipelineError, match="a plain pair fails there as well"):
        built(pairs, tmp_path / "out", RayEngine(), makers)
    assert not list((tmp_path / "out").glob("*.parquet"))
