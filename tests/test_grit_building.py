"""Building a folder: nothing lost, nothing fatal, resumed after a kill, refused where the recipe is another."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from grit_parts import DOG_CAPTION, MAKERS, DogDetector, KillingDetector, jpeg, write_sample, write_shards
from PIL import Image

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.building import build, plan
from kosmos_agent.grit.errors import PipelineError
from kosmos_agent.grit.manifest import Manifest
from kosmos_agent.grit.recipe import Recipe
from kosmos_agent.grit.rejects import read_rejects
from kosmos_agent.grit.table import read_table

KILLED_BUILD = """
import sys
from pathlib import Path
from dataclasses import replace
from grit_parts import MAKERS, KillingDetector
from kosmos_agent.grit.building import build, plan
from kosmos_agent.grit.recipe import Recipe

pairs, out = map(Path, sys.argv[1:])
makers = replace(MAKERS, detector=KillingDetector)
build(plan(pairs, out, makers, Recipe()), out, makers, Recipe())
"""
SLOW_BUILD = """
import sys, time
from pathlib import Path
from dataclasses import replace
from grit_parts import MAKERS, DogDetector
from kosmos_agent.grit.building import build, plan
from kosmos_agent.grit.recipe import Recipe

class SlowDetector(DogDetector):
    def detect(self, image, phrases):
        time.sleep(0.1)
        return super().detect(image, phrases)

pairs, out = map(Path, sys.argv[1:])
makers = replace(MAKERS, detector=SlowDetector)
build(plan(pairs, out, makers, Recipe()), out, makers, Recipe())
"""


def built(pairs, out, makers=MAKERS, **settings):
    recipe = Recipe(**settings)
    return build(plan(pairs, out, makers, recipe), out, makers, recipe)


def keys(out):
    return [record.key for path in sorted(out.glob("*.parquet")) for record in read_table(path)]


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def run(script, pairs, out):
    return subprocess.Popen(
        [sys.executable, "-c", script, str(pairs), str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
    )


def rejected(out):
    return {reject.key: reject for path in (out / "rejects").iterdir() for reject in read_rejects(path)}


def test_each_shard_becomes_a_file_of_its_own(tmp_path):
    tally = built(write_shards(tmp_path / "pairs"), tmp_path / "out")
    assert (tally.kept, tally.pairs) == (6, 6)
    assert sorted(path.name for path in (tmp_path / "out").glob("*.parquet")) == ["00000.parquet", "00001.parquet"]
    assert keys(tmp_path / "out") == ["000000000", "000000001", "000000002", "000010000", "000010001", "000010002"]
    assert set(tally.seconds) == {"parse", "detect", "assemble"}


def test_poisoned_pairs_are_set_aside_with_their_reason_and_the_rest_goes_on(tmp_path):
    shard = write_shards(tmp_path / "pairs", shards=1, pairs=2) / "00000"
    huge = tmp_path / "huge.png"
    Image.new("1", (9_000, 9_000)).save(huge)
    write_sample(shard, "broken", picture=jpeg()[:200])
    write_sample(shard, "empty", caption="   ")
    write_sample(shard, "huge", picture=huge.read_bytes())
    write_sample(shard, "json", facts="{not json")
    write_sample(shard, "unknown", caption="what is this")
    write_sample(shard, "surrogate", facts='{"caption": "half of \\ud83d"}')
    (shard / "surrogate.txt").unlink()
    write_sample(shard, "b\udcffd")
    write_sample(shard, "wide", facts={"id": 10**30, "url": "\ud800", "clip_similarity_vitb32": "high"})
    (shard / "lonely.txt").write_text(DOG_CAPTION)
    (shard / "captionless.jpg").write_bytes(jpeg())
    tally = built(tmp_path / "pairs", tmp_path / "out")
    assert keys(tmp_path / "out") == ["000000000", "000000001", "wide"]
    found = {key: (reject.stage, reject.code) for key, reject in rejected(tmp_path / "out").items()}
    assert found == {
        "broken": ("detect", "invalid_image"),
        "empty": ("parse", "invalid_caption"),
        "huge": ("detect", "invalid_image"),
        "json": ("parse", "invalid_record"),
        "unknown": ("parse", "invalid_caption"),
        "surrogate": ("parse", "invalid_caption"),
        "b\udcffd": ("parse", "invalid_record"),
        "lonely": ("detect", "invalid_record"),
        "captionless": ("parse", "invalid_caption"),
    }
    assert "81 megapixels" in rejected(tmp_path / "out")["huge"].reason
    assert tally.pairs == 12


def test_an_error_that_nobody_foresaw_is_one_pairs_own(tmp_path):
    class Stumbling(DogDetector):
        def detect(self, image, phrases):
            if image.size == (7, 7):
                raise ZeroDivisionError("seven by seven")
            return super().detect(image, phrases)

    shard = write_shards(tmp_path / "pairs", shards=1, pairs=2) / "00000"
    write_sample(shard, "000000000x", picture=jpeg(7, 7))
    built(tmp_path / "pairs", tmp_path / "out", replace(MAKERS, detector=Stumbling))
    reject = rejected(tmp_path / "out")["000000000x"]
    assert (reject.code, reject.reason) == ("unexpected", "ZeroDivisionError: seven by seven")
    assert len(keys(tmp_path / "out")) == 2


def test_any_number_of_such_pairs_in_a_row_is_set_aside(tmp_path):
    class Stumbling(DogDetector):
        def detect(self, image, phrases):
            if image.size == (7, 7):
                raise ZeroDivisionError("seven by seven")
            return super().detect(image, phrases)

    for place in range(60):
        write_sample(tmp_path / "pairs" / "00000", f"{place:09d}", picture=jpeg(7, 7))
    write_shards(tmp_path / "pairs", shards=1, pairs=2)
    built(tmp_path / "pairs", tmp_path / "out", replace(MAKERS, detector=Stumbling))
    assert (len(keys(tmp_path / "out")), len(rejected(tmp_path / "out"))) == (2, 58)


def test_a_detector_that_fails_at_any_picture_ends_the_run_before_a_pair_is_set_aside(tmp_path):
    class Broken(DogDetector):
        def detect(self, image, phrases):
            raise RuntimeError("out of memory")

    write_shards(tmp_path / "pairs", shards=2, pairs=1)
    with pytest.raises(PipelineError, match=r"in stage 'detect' 000000000 failed .*out of memory"):
        built(tmp_path / "pairs", tmp_path / "out", replace(MAKERS, detector=Broken))
    assert not list((tmp_path / "out").glob("*.parquet"))


def test_a_parser_that_fails_at_any_caption_ends_the_run(tmp_path):
    def broken():
        return lambda caption: 1 / 0

    write_shards(tmp_path / "pairs", shards=1, pairs=1)
    with pytest.raises(PipelineError, match=r"in stage 'parse' 000000000 failed .*ZeroDivisionError"):
        built(tmp_path / "pairs", tmp_path / "out", replace(MAKERS, parser=broken))


def test_a_picture_that_kills_the_process_is_set_aside_at_the_third_call_and_nothing_else_is_lost(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=2, pairs=3)
    built(pairs, tmp_path / "whole")
    write_sample(pairs / "00000", "000000001x", picture=jpeg(7, 7))
    assert [run(KILLED_BUILD, pairs, tmp_path / "out").wait() for _ in range(2)] == [-signal.SIGKILL] * 2
    built(pairs, tmp_path / "out", replace(MAKERS, detector=KillingDetector))
    (reject,) = rejected(tmp_path / "out").values()
    assert (reject.key, reject.stage, reject.code) == ("000000001x", "detect", "killed_worker")
    assert files(tmp_path / "out") - {"rejects/00000.jsonl"} == files(tmp_path / "whole") - {"rejects/00000.jsonl"}
    for name in files(tmp_path / "whole") - {"rejects/00000.jsonl", "grit.json"}:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_deaths_of_another_detector_do_not_count(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=1, pairs=1)
    mark = tmp_path / "out" / "attempts" / "00000" / "0.detect"
    plan(pairs, tmp_path / "out", replace(MAKERS, detector_name="deadly"), Recipe())
    mark.parent.mkdir()
    mark.write_text('"000000000"\n' * 2)
    plan(pairs, tmp_path / "out", replace(MAKERS, detector_name="deadly"), Recipe())
    assert mark.exists()
    assert built(pairs, tmp_path / "out").kept == 1


def test_a_broken_tar_file_is_set_aside_and_the_other_shards_go_on(tmp_path):
    write_shards(tmp_path / "pairs", shards=1, pairs=2)
    (tmp_path / "pairs" / "00001.tar").write_bytes(b"x" * 2_000)
    built(tmp_path / "pairs", tmp_path / "out")
    assert len(keys(tmp_path / "out")) == 2
    assert rejected(tmp_path / "out")["00001"].stage == "shard"


def test_finished_shards_are_not_done_again(tmp_path):
    write_shards(tmp_path / "pairs")
    built(tmp_path / "pairs", tmp_path / "out")
    first, second = sorted((tmp_path / "out").glob("*.parquet"))
    content, stamp = first.read_bytes(), second.stat().st_mtime_ns
    first.unlink()
    assert [shard.name for shard in plan(tmp_path / "pairs", tmp_path / "out", MAKERS, Recipe())] == ["00000"]
    built(tmp_path / "pairs", tmp_path / "out")
    assert first.read_bytes() == content
    assert second.stat().st_mtime_ns == stamp


def test_a_folder_of_another_recipe_or_of_the_pairs_is_refused(tmp_path):
    pairs = write_shards(tmp_path / "pairs")
    built(pairs, tmp_path / "out")
    with pytest.raises(InvalidArgumentError, match="another recipe"):
        built(pairs, tmp_path / "out", min_score=0.5)
    with pytest.raises(InvalidArgumentError, match="another recipe"):
        built(pairs, tmp_path / "out", replace(MAKERS, detector_name="other"))
    with pytest.raises(InvalidArgumentError, match="another pairs"):
        built(write_shards(tmp_path / "others"), tmp_path / "out")
    with pytest.raises(InvalidArgumentError, match="folder of the pairs"):
        built(pairs, pairs)


def test_a_folder_in_which_nothing_was_built_yet_takes_another_recipe(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=1, pairs=1)
    plan(pairs, tmp_path / "out", replace(MAKERS, detector_name="mistyped"), Recipe())
    assert built(pairs, tmp_path / "out").kept == 1


def test_the_manifest_reads_back_and_says_when_it_is_damaged(tmp_path):
    pairs = write_shards(tmp_path / "pairs")
    built(pairs, tmp_path / "out")
    manifest = Manifest.read(tmp_path / "out")
    assert manifest is not None
    assert manifest.pictures(tmp_path / "out").resolve() == pairs.resolve()
    assert manifest.recipe["detector"] == "told"
    assert Manifest.read(pairs) is None
    for damaged in ("{", "[]", json.dumps({"format": 9}), json.dumps({"format": 1})):
        (tmp_path / "out" / "grit.json").write_text(damaged)
        with pytest.raises(InvalidArgumentError, match=r"grit\.json"):
            Manifest.read(tmp_path / "out")


def test_killed_half_way_and_called_again_it_gives_what_one_run_would(tmp_path):
    pairs = write_shards(tmp_path / "pairs", shards=3, pairs=5)
    built(pairs, tmp_path / "whole")
    process = run(SLOW_BUILD, pairs, tmp_path / "out")
    try:
        while not (tmp_path / "out" / "00000.parquet").exists():
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    left = [shard.name for shard in plan(pairs, tmp_path / "out", MAKERS, Recipe())]
    assert left in (["00001", "00002"], ["00002"])
    built(pairs, tmp_path / "out")
    for name in ("00000.parquet", "00001.parquet", "00002.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
