"""Image-caption pairs from the simulation: true spans, training scenes alone, whole shards."""

import json
import tarfile

import pytest
from kosmos_sim import pairs
from kosmos_sim.cache import shard_seed
from kosmos_sim.splits import SPLITS, record_seeds, train_seed

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.shards import find_shards
from kosmos_agent.results import Box

SIZE = 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("pairs")
    pairs.write_shard(out, 3, 4, pairs.TRAINING_SET, SIZE, tar=False)
    return out


def test_a_shard_is_what_img2dataset_would_leave(folder):
    (shard,) = find_shards(folder)
    samples = list(shard.samples())
    assert [sample.key for sample in samples] == ["000030000", "000030001", "000030002", "000030003"]
    for sample in samples:
        facts = sample.facts()
        assert sample.image().size == (facts["width"], facts["height"]) == (SIZE, SIZE)
        assert sample.caption() == facts["caption"]
        assert facts["key"] == sample.key


def test_the_true_spans_cut_noun_phrases_and_have_boxes(folder):
    for sample in find_shards(folder)[0].samples():
        facts = sample.facts()
        assert facts["true_spans"]
        for span in facts["true_spans"]:
            words = facts["caption"][span["start"] : span["end"]].split()
            assert words[0].lower() in ("a", "an", "the", "two", "three", "four", "five", "six")
            assert [Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in span["boxes"]]
            assert (len(span["boxes"]) == 1) == (words[0].lower() in ("a", "an", "the"))


def test_the_scenes_are_of_the_training_split(folder):
    reserved = {seed for split in SPLITS for seed in record_seeds(split)}
    seeds = {sample.facts()["scene"]["seed"] for sample in find_shards(folder)[0].samples()}
    assert seeds == {shard_seed(train_seed(pairs.TRAINING_SET), 3)}
    assert not seeds & reserved


def test_scenes_of_another_split_are_refused(folder, monkeypatch):
    monkeypatch.setattr(pairs, "shard_seed", lambda seed, shard: SPLITS[0].seed)
    with pytest.raises(InvalidArgumentError, match="meets the test split"):
        pairs.write_shard(folder, 4, 1, pairs.TRAINING_SET, SIZE, tar=False)
    assert not (folder / "00004").exists()


def test_a_tar_holds_the_same_files_and_a_shard_that_is_there_is_left_alone(folder, tmp_path):
    tar = pairs.write_shard(tmp_path, 3, 2, pairs.TRAINING_SET, SIZE, tar=True)
    with tarfile.open(tar) as file:
        packed = {member.name: file.extractfile(member).read() for member in file}
    assert packed == {path.name: path.read_bytes() for path in (folder / "00003").iterdir() if path.stem < "000030002"}
    stamp = tar.stat().st_mtime_ns
    assert pairs.write_shard(tmp_path, 3, 2, pairs.TRAINING_SET, SIZE, tar=True).stat().st_mtime_ns == stamp
    assert [path.name for path in tmp_path.iterdir()] == ["00003.tar"]


def test_a_half_made_shard_is_made_anew(folder, tmp_path):
    (tmp_path / ".00003.part").mkdir()
    (tmp_path / ".00003.part" / "rubbish.jpg").write_bytes(b"x")
    made = pairs.write_shard(tmp_path, 3, 1, pairs.TRAINING_SET, SIZE, tar=False)
    names = sorted(path.name for path in made.iterdir())
    assert names == ["000030000.jpg", "000030000.json", "000030000.txt"]
    assert json.loads((made / "000030000.json").read_text()) == json.loads(
        (folder / "00003" / "000030000.json").read_text()
    )
