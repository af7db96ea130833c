"""Pictures on disk: what comes back, what is kept after a stop, what is refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
from kosmos_sim.cache import SceneCache, shard_seed
from kosmos_sim.sheet import contact_sheet
from kosmos_sim.splits import train_seed
from kosmos_sim.stream import scene_records

from kosmos_agent.errors import InvalidArgumentError

SIZE = 64


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return SceneCache(tmp_path_factory.mktemp("cache"), seed=3, count=3, shard=2, size=SIZE)


def test_labels_come_back_exactly_and_pictures_nearly(cache):
    streamed = [record for shard in range(2) for record in scene_records(shard_seed(3, shard), 2, size=SIZE)][:3]
    assert len(cache) == 3
    for record, cached in zip(streamed, cache, strict=True):
        assert cached.objects == record.objects
        assert np.array_equal(cached.instances, record.instances)
        assert np.array_equal(cached.intrinsics, record.intrinsics)
        assert np.array_equal(cached.T_table_camera, record.T_table_camera)
        assert (cached.seed, cached.index) == (record.seed, record.index)
        assert cached.rgb.shape == record.rgb.shape
        assert np.abs(cached.rgb.astype(int) - record.rgb).mean() < 5


def test_records_are_one_type_with_the_streamed_ones(cache):
    thing = cache[0].objects[0]
    assert isinstance(thing.box, tuple)
    assert isinstance(thing.position_camera_m, tuple)
    hash(thing)


@pytest.mark.parametrize("index", [-1, 3, 100])
def test_outside_is_an_index_error(cache, index):
    with pytest.raises(IndexError):
        cache[index]


def test_shards_have_seeds_of_their_own():
    seeds = {shard_seed(seed, shard) for seed in range(20) for shard in range(50)}
    assert len(seeds) == 1000


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    first = SceneCache(tmp_path, seed=1, count=1, shard=1, size=SIZE)
    before = first[0].rgb
    (tmp_path / "shard-00001.partial-1").mkdir()
    stamp = (tmp_path / "shard-00000" / "pictures.bin").stat().st_mtime_ns
    again = SceneCache(tmp_path, seed=1, count=2, shard=1, size=SIZE)
    assert again.ready == 1
    again.fill(workers=2)
    assert again.ready == 2
    assert (tmp_path / "shard-00000" / "pictures.bin").stat().st_mtime_ns == stamp
    assert np.array_equal(again[0].rgb, before)
    assert again[1].seed == shard_seed(1, 1)


@pytest.mark.parametrize("other", [{"seed": 4}, {"shard": 3}, {"size": 32}])
def test_a_folder_of_other_pictures_is_refused(cache, other):
    with pytest.raises(InvalidArgumentError, match="name another folder"):
        SceneCache(**{"folder": cache.folder, "seed": 3, "count": 3, "shard": 2, "size": SIZE, **other})


@pytest.mark.parametrize("other", [{"format": 1}, {"generator": 1}, {"generator": None}])
def test_a_folder_of_another_version_is_refused(tmp_path, other):
    SceneCache(tmp_path, seed=3, count=1)
    description = tmp_path / "cache.json"
    description.write_text(json.dumps({**json.loads(description.read_text()), **other}))
    with pytest.raises(InvalidArgumentError, match=r"another version.*delete it or name another folder"):
        SceneCache(tmp_path, seed=3, count=1)


def test_a_damaged_description_is_refused_and_none_is_left_half_written(tmp_path):
    SceneCache(tmp_path, seed=3, count=1)
    assert [path.name for path in tmp_path.iterdir()] == ["cache.json"]
    (tmp_path / "cache.json").write_text('{"format": 2, "se')
    with pytest.raises(InvalidArgumentError, match=r"cache\.json does not describe a cache"):
        SceneCache(tmp_path, seed=3, count=1)


def test_command_line(tmp_path):
    command = [sys.executable, "-m", "kosmos_sim.cache", "--folder", str(tmp_path), "--training-set", "5"]
    command += ["--count", "1", "--shard", "1", "--size", "48", "--workers", "1"]
    subprocess.run(command, check=True, capture_output=True)
    assert json.loads((tmp_path / "cache.json").read_text())["seed"] == train_seed(5)
    assert SceneCache(tmp_path, train_seed(5), 1, 1, 48).ready == 1


def test_contact_sheet_shows_every_picture(cache):
    page = contact_sheet([cache[index] for index in range(3)], columns=2, side=80)
    assert page.shape == (160, 160, 3)
    assert page[:80].std() > 10
    assert (page[80:, 80:] == 0).all()
