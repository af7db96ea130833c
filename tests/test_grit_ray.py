"""The same stages on Ray Data, really run: the same files as one process, whatever the number of workers."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from grit_parts import MAKERS, DogDetector, jpeg, write_sample, write_shards

ray = pytest.importorskip("ray", reason="needs the extra [scale]")
pytest.importorskip("ray.data", reason="needs the extra [scale]")

from kosmos_agent.grit.building import build, plan, single_process  # noqa: E402
from kosmos_agent.grit.ray_engine import RayEngine  # noqa: E402
from kosmos_agent.grit.recipe import Recipe  # noqa: E402
from kosmos_agent.grit.writing import PipelineError  # noqa: E402

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
