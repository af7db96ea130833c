"""Sources of training data: every sample by its number, proportions exact, formats read as they are documented."""

import json
import tarfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from tiny_kosmos import TOKENIZER
from training_data import square_picture, write_everything, write_lines, write_tar

from kosmos_agent.cli.app import main
from kosmos_agent.errors import InvalidConfigError, InvalidDatasetError, InvalidSampleError
from kosmos_agent.training.recipe.models import DataSection
from kosmos_agent.training.recipe.reading import read_recipe
from kosmos_agent.training.rows.sample import NO_TARGET, SampleWriter
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.excluded import Excluded, names_in
from kosmos_agent.training.sources.mixture import Draw, Mixture
from kosmos_agent.training.sources.opening import open_source
from kosmos_agent.training.sources.source import shuffled

SLOTS = 4


def context(row_tokens=96):
    return Context(TOKENIZER, SLOTS, size_px=28, row_tokens=row_tokens, fit="crop", seed=3)


def opened(folder, kind, path, row_tokens=96, **options):
    section = DataSection(kind=kind, path=path, per_step=1, **options)
    return open_source(section, folder, context(row_tokens))


def said(sample):
    return TOKENIZER.decode(sample.ids.tolist(), skip_special=False)


def learnt(sample):
    return TOKENIZER.decode([int(target) for target in sample.targets if target != NO_TARGET])


def learnt_ids(sample):
    return [int(target) for target in sample.targets if target != NO_TARGET]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_everything(folder)
    return folder


@pytest.mark.parametrize("count", [1, 2, 3, 17, 64, 1000])
def test_every_epoch_visits_everything_once_in_another_order(count):
    epochs = [[shuffled(epoch * count + place, count, 5) for place in range(count)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    if count > 10:
        assert len({tuple(epoch) for epoch in epochs}) == 3
        assert epochs[0] != list(range(count))


def test_a_shuffle_needs_no_memory_at_the_papers_size():
    places = {shuffled(number, 90_614_680, 2) for number in range(1000)}
    assert len(places) == 1000
    assert np.std(sorted(places)) == pytest.approx(90_614_680 / 12**0.5, rel=0.1)


class Numbers:
    """A source whose samples say their number; some are broken."""

    def __init__(self, size, broken=()):
        self.size, self.broken = size, broken

    def __len__(self):
        return self.size

    def sample(self, number):
        if number in self.broken:
            raise InvalidSampleError(f"number {number} is broken")
        return SampleWriter(TOKENIZER, SLOTS).begin().add([10 + number % 20] * 4).finish()


def test_proportions_are_the_papers_in_every_step_and_for_any_count_of_devices():
    recipe = read_recipe("paper_pretrain", "pretrain")
    sources = {item.title: (Numbers(50), item.per_step) for item in recipe.data}
    mixture = Mixture(sources, row_tokens=96, on_reject=lambda *_: None)
    for step in (0, 1, 59_999):
        whole = mixture.draws(step)
        counts = Counter(mixture.titles[draw.source] for draw in whole)
        assert counts == {"text": 93, "captions": 1117, "grounded": 1117, "interleaved": 47}
        for world in (2, 7, 256):
            shares = [mixture.draws(step, rank, world) for rank in range(world)]
            assert sorted((d.source, d.number) for share in shares for d in share) == sorted(
                (d.source, d.number) for d in whole
            )
            assert max(map(len, shares)) - min(map(len, shares)) <= 1
    numbers = [draw.number for step in range(5) for draw in mixture.draws(step) if draw.source == 0]
    assert numbers == list(range(5 * 93))


def test_a_bad_sample_is_told_and_the_next_good_one_stands_in():
    told = []
    mixture = Mixture(
        {"numbers": (Numbers(9, broken=(4, 5)), 3)}, row_tokens=96, on_reject=lambda *facts: told.append(facts[:2])
    )
    with ThreadPoolExecutor(2) as pool:
        placed = list(mixture.samples([Draw(0, 3), Draw(0, 4), Draw(0, 6)], pool))
    assert [int(item.sample.ids[1]) for item in placed] == [13, 16, 16]
    assert told == [("numbers", 4), ("numbers", 5)]
    hopeless = Mixture({"n": (Numbers(9, broken=range(1000)), 1)}, row_tokens=96, on_reject=lambda *_: None)
    with ThreadPoolExecutor(1) as pool, pytest.raises(InvalidSampleError, match="100 bad samples in a row"):
        list(hopeless.samples([Draw(0, 0)], pool))


def test_grounded_pairs_plain_captions_and_their_mixture(data):
    grounded, plain = opened(data, "grounded", "grit"), opened(data, "grounded", "grit", boxes_share=0.0)
    sample = grounded.sample(3)
    assert said(sample).startswith("<s><image>")
    assert learnt(sample).startswith("<grounding>")
    assert sample.ids.tolist().count(TOKENIZER.object_id) == 1
    assert sample.pictures[0].shape == (28, 28, 3)
    assert TOKENIZER.object_id not in plain.sample(3).ids
    assert learnt(plain.sample(3)) == learnt(opened(data, "captions", "grit").sample(3))
    half = opened(data, "grounded", "grit", boxes_share=0.5)
    share = np.mean([TOKENIZER.object_id in half.sample(number).ids for number in range(100)])
    assert 0.35 < share < 0.65


def test_sources_give_the_same_sample_for_the_same_number(data):
    for kind, path in (("grounded", "grit"), ("referring", "grit"), ("text", "text.jsonl")):
        one, other = opened(data, kind, path), opened(data, kind, path)
        for number in (11, 2, 30):
            assert one.sample(number).ids.tolist() == other.sample(number).ids.tolist()
    several = opened(data, "referring", "grit")
    assert len({several.sample(number).ids.tobytes() for number in range(8)}) > 4


def test_text_fills_blocks_and_splits_no_line(tmp_path):
    lines = ["the red cup", "it is the box", "an image of the blue box", "the end " * 40]
    write_lines(tmp_path / "t.jsonl", [{"text": "\n".join(lines)}, {"text": "the cup"}])
    source = opened(tmp_path, "text", "t.jsonl", row_tokens=80)
    blocks = [source.sample(number) for number in range(len(source))]
    assert all(len(block) <= 80 and block.ids[0] == TOKENIZER.bos_id for block in blocks)
    end, line = TOKENIZER.eos_id, TOKENIZER.line_end_id
    ids = sorted(learnt_ids(block) for block in blocks)
    expected = [
        [token for text in lines[:3] for token in (*TOKENIZER.encode(text), line)],
        [*TOKENIZER.encode(lines[3])[:78], end],
        [*TOKENIZER.encode("the cup"), end],
    ]
    assert ids == sorted(expected)


def test_interleaved_documents_show_five_pictures_at_most(tmp_path):
    square_picture("red", (0.1, 0.1, 0.5, 0.5)).save(tmp_path / "p.png")
    record = {"texts": ["the cup"] + [None] * 7, "images": [None] + ["p.png"] * 7}
    write_lines(tmp_path / "i.jsonl", [record])
    sample = opened(tmp_path, "interleaved", "i.jsonl").sample(0)
    assert len(sample.pictures) == 5
    assert sample.slots.sum() == 5 * SLOTS
    assert learnt_ids(sample).count(TOKENIZER.image_id) == 5, "the words before learn that a picture comes"
    assert TOKENIZER.image_end_id not in learnt_ids(sample)
    assert len(opened(tmp_path, "interleaved", "i.jsonl", row_tokens=80).sample(0)) <= 80


def test_of_conversations_and_instructions_the_answers_are_learnt(data):
    talk = opened(data, "conversations", "conversations.json").sample(0)
    assert "Question: What is it? Answer:".lower() in said(talk)
    assert learnt(talk).split() in ([["the", colour, "box", "the", "cup"] for colour in ("red", "blue", "green")])
    assert len(talk.pictures) == 1
    task = [opened(data, "instructions", "instructions.jsonl").sample(number) for number in range(2)]
    assert sorted(learnt(sample) for sample in task) == ["the box", "the cup"]


def test_tags_in_data_become_words(tmp_path):
    write_lines(tmp_path / "t.jsonl", [{"text": "the <image> cup</s><patch_index_0001>"}])
    ids = set(opened(tmp_path, "text", "t.jsonl").sample(0).ids.tolist()[1:])
    assert not ids & {TOKENIZER.image_id, TOKENIZER.eos_id, TOKENIZER.location_id(1)}


@pytest.mark.parametrize(
    ("kind", "content", "said_of_it"),
    [
        ("text", '{"words": "x"}\n', "record 1: text is None; valid: text"),
        ("text", "no json\n", "record 1 is not JSON"),
        ("text", "[1]\n", "record 1 holds a list; valid: an object"),
        ("text", "\n", "holds no lines"),
        ("instructions", '{"instruction": "x"}\n', "record 1: output is None"),
        ("interleaved", '{"texts": ["a"], "images": []}\n', "record 1 needs texts and images, lists of equal length"),
        ("interleaved", '{"texts": ["a"], "images": ["b"]}\n', "record 1 holds 'a' beside 'b'"),
        (
            "interleaved",
            '{"texts": [null], "images": ["../up.png"]}\n',
            r"record 1: picture '\.\./up\.png' lies outside",
        ),
        ("interleaved", '{"texts": [null], "images": ["none.png"]}\n', "record 1: cannot read"),
        ("conversations", '[{"conversations": [{"from": "gpt"}]}]', "record 1: conversations needs turns"),
        (
            "conversations",
            '[{"conversations": [{"from": "gpt", "value": "x"}, {}]}]',
            "turn 1 is .*; valid: from human",
        ),
        ("conversations", "{}", "needs a list of objects"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path, kind, content, said_of_it):
    (tmp_path / "data.json").write_text(content)
    with pytest.raises(InvalidSampleError, match=said_of_it) as error:
        opened(tmp_path, kind, "data.json").sample(0)
    assert "data.json" in str(error.value)


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidConfigError, match=r"source captions: there is no .*pairs"):
        opened(tmp_path, "captions", "pairs")


def test_pictures_of_conversations_lie_below_their_folder(tmp_path):
    turns = [{"from": "human", "value": "what is it"}, {"from": "gpt", "value": "the cup"}]
    (tmp_path / "c.json").write_text(json.dumps([{"image": "a/p.png", "conversations": turns}]))
    (tmp_path / "pictures" / "a").mkdir(parents=True)
    square_picture("blue", (0.2, 0.2, 0.6, 0.6)).save(tmp_path / "pictures" / "a" / "p.png")
    sample = opened(tmp_path, "conversations", "c.json", images="pictures").sample(0)
    assert len(sample.pictures) == 1


def with_told(row_tokens=96):
    told = []
    return replace(context(row_tokens), on_reject=lambda *facts: told.append(facts)), told


def test_lines_without_text_are_told_and_passed_over(tmp_path):
    good = [{"text": "the red cup"}, {"text": "the blue box"}]
    (tmp_path / "t.jsonl").write_text("\n".join([json.dumps(good[0]), '{"words": 1}', "no json", json.dumps(good[1])]))
    watched, told = with_told()
    section = DataSection(kind="text", path="t.jsonl", per_step=1, name="words")
    source = open_source(section, tmp_path, watched)
    assert len(source) == 1
    ids = learnt_ids(source.sample(0))
    assert ids == [token for item in good for token in (*TOKENIZER.encode(item["text"]), TOKENIZER.eos_id)]
    assert [(title, number) for title, number, _ in told] == [("words", None)] * 2
    assert "record 2: text is None" in str(told[0][2])
    assert "record 3 is not JSON" in str(told[1][2])


@pytest.mark.parametrize("cut", [0, 300])
def test_a_tar_that_breaks_off_gives_what_precedes_the_break(tmp_path, cut):
    """Without its end, or without a part of its last record too."""
    (tmp_path / "pairs").mkdir()
    write_tar(tmp_path / "pairs" / "00000.tar", 5, cut)
    watched, told = with_told()
    source = open_source(DataSection(kind="captions", path="pairs", per_step=1), tmp_path, watched)
    assert len(source) == 5
    samples = [source.sample(number) for number in range(10)]
    assert all(len(sample.pictures) == 1 for sample in samples)
    assert len({sample.pictures[0].tobytes() for sample in samples}) == (5 if not cut else 4)
    assert [title for title, _, _ in told] == ["captions"]
    assert "no whole tar file" in str(told[0][2])


def test_a_tar_header_of_an_impossible_size_is_a_break_too(tmp_path):
    (tmp_path / "pairs").mkdir()
    write_tar(tmp_path / "pairs" / "00000.tar", 2)
    header = tarfile.TarInfo("00002.txt")
    header.size = 2**64 - 512
    with (tmp_path / "pairs" / "00000.tar").open("ab") as tar:
        tar.write(header.tobuf(tarfile.GNU_FORMAT))
    watched, told = with_told()
    source = open_source(DataSection(kind="captions", path="pairs", per_step=1), tmp_path, watched)
    assert len({source.sample(number).pictures[0].tobytes() for number in range(6)}) == 2
    assert [str(error).split(":")[0] for *_, error in told] == ["00000.tar is no whole tar file"]


def test_a_file_that_is_no_tar_is_told_and_the_others_are_used(tmp_path):
    (tmp_path / "pairs").mkdir()
    write_tar(tmp_path / "pairs" / "00000.tar", 2)
    (tmp_path / "pairs" / "00001.tar").write_bytes(b"something else" * 100)
    watched, told = with_told()
    source = open_source(DataSection(kind="captions", path="pairs", per_step=1), tmp_path, watched)
    assert len(source) == 2
    assert "00001.tar is no whole tar file" in str(told[1][2])


def test_conversations_about_excluded_pictures_are_left_out(data, tmp_path, capsys):
    """A list made of MDETR's file, whose names of COCO's pictures are not LLaVA's."""
    refer, listed = tmp_path / "finetune_refcoco_val.json", data / "exclude.txt"
    names = ["COCO_train2014_000000000009.jpg", "talk1.png", "COCO_train2014_000000000009.jpg"]
    images = [{"id": number, "file_name": name, "caption": "the cup"} for number, name in enumerate(names)]
    refer.write_text(json.dumps({"images": images, "annotations": []}))
    assert main(["train", "exclude", str(refer), "--out", str(listed)]) == 0
    assert "2 pictures" in capsys.readouterr().out
    assert listed.read_text().splitlines() == [names[0], names[1]]
    assert "coco/train2017/000000000009.jpg" in Excluded(listed)
    assert "coco/train2017/000000000019.jpg" not in Excluded(listed)
    assert "9.jpg" not in Excluded(listed)
    watched, told = with_told()
    section = DataSection(kind="conversations", path="conversations.json", per_step=1, exclude="exclude.txt")
    source = open_source(section, data, watched)
    assert len(source) == 2
    assert len({source.sample(number).pictures[0].tobytes() for number in range(6)}) == 2
    assert "1 of 3 records left out" in str(told[0][2])


def test_a_list_that_leaves_out_nothing_is_warned_of(data):
    listed = data / "others.txt"
    listed.write_text("another.png\n")
    warned = []
    watched, told = with_told()
    section = DataSection(kind="conversations", path="conversations.json", per_step=1, exclude=listed.name)
    assert len(open_source(section, data, replace(watched, warn=warned.append))) == 3
    assert "0 of 3 records left out" in str(told[0][2])
    assert "0 of 3 records left out" in warned[0]
    assert "'talk0.png'" in warned[0]
    listed.write_text("talk1.png\n")
    assert len(open_source(section, data, replace(watched, warn=warned.append))) == 2
    assert len(warned) == 1


def test_lists_of_excluded_pictures_hold_ids_or_names(tmp_path):
    (tmp_path / "list").write_text("9\nother.png\n")
    assert all(name in Excluded(tmp_path / "list") for name in ("000000000009.jpg", "a/other.png"))
    (tmp_path / "ids").write_text("000000098304\nCOCO_train2014_000000000007\n")
    for name in (
        "000000098304.jpg",
        "98304",
        "a/COCO_train2014_000000098304.jpg",
        "7",
        "COCO_val2014_000000000007.png",
    ):
        assert name in Excluded(tmp_path / "ids")
    assert all(name not in Excluded(tmp_path / "ids") for name in ("0", "98304.jpg", "000000983040.jpg"))
    (tmp_path / "empty").write_text("\n")
    for name, said_of_it in (("empty", "is empty"), ("none", "cannot read")):
        with pytest.raises(InvalidConfigError, match=said_of_it):
            Excluded(tmp_path / name)
    (tmp_path / "wrong.json").write_text('{"pictures": []}')
    with pytest.raises(InvalidDatasetError, match=r"wrong\.json"):
        names_in([tmp_path / "wrong.json"])
