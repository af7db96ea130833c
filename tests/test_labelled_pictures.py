"""The folder format of labelled pictures: what is written is read, what is malformed is refused with its line."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kosmos_agent.errors import InvalidBoxError, InvalidImageError, InvalidLabelsError, InvalidPhraseError
from kosmos_agent.evaluation import label_folder
from kosmos_agent.evaluation.label_folder import LABELS_FILE, load_pictures, read_labels, write_pictures
from kosmos_agent.evaluation.labelled import (
    LabelledPhrase,
    LabelledPicture,
    LabelledQuestion,
    LabelledRegion,
    LabelledThing,
    PictureLabels,
)
from kosmos_agent.results import Box

BOX = Box(x1=0.25, y1=0.25, x2=0.5, y2=0.75)
GREY = np.full((24, 32, 3), 128, np.uint8)
THING = {"box": [0, 0, 0.5, 0.5], "colour": "red", "category": "cup"}

CELL = st.integers(0, 900)
BOXES = st.builds(
    lambda x, y, w, h: Box(x1=x / 1000, y1=y / 1000, x2=(x + w) / 1000, y2=(y + h) / 1000),
    CELL,
    CELL,
    st.integers(1, 100),
    st.integers(1, 100),
)
WORDS = st.sampled_from(["red", "gray", "salt shaker", "cup"])
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30).map(lambda text: f"the {text}")
KINDS = st.sampled_from(["plural", "what is where"])
LABELS = st.builds(
    PictureLabels,
    image=st.just("a/b.png"),
    phrases=st.lists(st.builds(LabelledPhrase, TEXTS, KINDS, st.lists(BOXES, max_size=3).map(tuple))).map(tuple),
    regions=st.lists(st.builds(LabelledRegion, BOXES, WORDS, WORDS)).map(tuple),
    things=st.lists(st.builds(LabelledThing, BOXES, WORDS, WORDS, st.booleans())).map(tuple),
    questions=st.lists(
        st.builds(LabelledQuestion, TEXTS, KINDS, st.lists(WORDS, min_size=1, max_size=3).map(tuple))
    ).map(tuple),
    ambiguous=st.lists(
        st.builds(LabelledPhrase, TEXTS, KINDS, st.lists(BOXES, min_size=2, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
)


@settings(max_examples=40)
@given(LABELS)
def test_what_is_written_is_read(tmp_path_factory, labels):
    folder = tmp_path_factory.mktemp("labelled")
    assert write_pictures(folder, [LabelledPicture(GREY, labels)]) == 1
    (read,) = read_labels(folder)
    assert read == labels
    (picture,) = load_pictures(folder, [read])
    np.testing.assert_array_equal(picture.rgb, GREY)


def write(folder, *lines):
    Image.fromarray(GREY).save(folder / "a.png")
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / LABELS_FILE).write_text(text, encoding="utf-8")
    return folder


def test_a_line_may_name_the_picture_alone_and_empty_lines_are_nothing(tmp_path):
    assert read_labels(write(tmp_path, "", {"image": "a.png"}, "  ")) == [PictureLabels("a.png")]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("{", "JSON"),
        ("[]", "object"),
        ('"a.png"', "object"),
        ({}, "image"),
        ({"image": 3}, "image"),
        ({"image": "a.png", "colour": "red"}, "colour"),
        ({"image": "a.png", "phrases": {}}, "phrases"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "plural"}]}, "phrases.0.boxes"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "Plural!", "boxes": []}]}, "phrases.0.kind"),
        ({"image": "a.png", "phrases": [{"text": "...", "kind": "plural", "boxes": []}]}, "names nothing"),
        ({"image": "a.png", "phrases": [{"text": "x" * 257, "kind": "plural", "boxes": []}]}, "257 characters"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": [[0, 0, 1]]}]}, "four numbers"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": ["0011"]}]}, "four numbers"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": [[0, 0, 1, "1"]]}]}, "no number"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": [[0, 0, 1, True]]}]}, "no number"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": [[0.5, 0, 0.2, 1]]}]}, "x1 < x2"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": [[0, 0, 1, 1.5]]}]}, "y2 <= 1"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": [[0, 0, 1, float("nan")]]}]}, "finite"),
        ({"image": "a.png", "phrases": [{"text": "cup", "kind": "a", "boxes": []}] * 65}, "phrases"),
        ({"image": "a.png", "ambiguous": [{"text": "cup", "kind": "a", "boxes": [[0, 0, 1, 1]]}]}, "ambiguous.0"),
        ({"image": "a.png", "regions": [{**THING, "colour": "RED"}]}, "regions.0.colour"),
        ({"image": "a.png", "regions": [{**THING, "prominent": True}]}, "prominent"),
        ({"image": "a.png", "things": [{**THING, "prominent": "yes"}]}, "things.0.prominent"),
        ({"image": "a.png", "questions": [{"text": "Is it?", "kind": "is there", "answers": []}]}, "answers"),
        ({"image": "a.png", "questions": [{"text": "Is it?", "kind": "is there", "answers": ["?"]}]}, "answers"),
    ],
)
def test_malformed_lines_are_refused_by_number(tmp_path, line, part):
    with pytest.raises(InvalidLabelsError, match="line 2") as caught:
        read_labels(write(tmp_path, {"image": "a.png"}, line))
    assert part in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "/etc/a.png",
        "x/../../a.png",
        "..\\a.png",
        "C:a.png",
        "",
        "a.png/",
        "./a.png",
        "a.txt",
        "b.png",
        "x\0.png",
    ],
)
def test_only_pictures_inside_the_folder_are_read(tmp_path, name):
    folder = tmp_path / "inside"
    folder.mkdir()
    Image.fromarray(GREY).save(tmp_path / "a.png")
    (folder / "a.txt").write_text("no picture")
    with pytest.raises(InvalidLabelsError, match="line 1"):
        read_labels(write(folder, {"image": name}))


def test_links_that_leave_the_folder_are_refused_and_others_are_not(tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    Image.fromarray(GREY).save(tmp_path / "outside.png")
    (folder / "out.png").symlink_to(tmp_path / "outside.png")
    (folder / "in.png").symlink_to("a.png")
    assert len(read_labels(write(folder, {"image": "in.png"}))) == 1
    with pytest.raises(InvalidLabelsError, match="outside the folder"):
        read_labels(write(folder, {"image": "out.png"}))


def test_a_picture_is_named_once(tmp_path):
    with pytest.raises(InvalidLabelsError, match=r"line 2.*twice"):
        read_labels(write(tmp_path, {"image": "a.png"}, {"image": "a.png"}))


def test_lines_are_bounded(tmp_path):
    with pytest.raises(InvalidLabelsError, match="longer than"):
        read_labels(write(tmp_path, " " * label_folder.MAX_LINE_BYTES + json.dumps({"image": "a.png"})))


@pytest.mark.parametrize(
    ("name", "part"),
    [("MAX_PICTURES", "more than 1"), ("MAX_LABELS_BYTES", "at most 1"), ("MAX_PICTURE_BYTES", "at most 1")],
)
def test_counts_and_bytes_are_bounded(tmp_path, monkeypatch, name, part):
    Image.fromarray(GREY).save(tmp_path / "b.png")
    write(tmp_path, {"image": "a.png"}, {"image": "b.png"})
    assert len(read_labels(tmp_path)) == 2
    monkeypatch.setattr(label_folder, name, 1)
    with pytest.raises(InvalidLabelsError, match=part):
        read_labels(tmp_path)


def test_folders_without_labels_are_refused(tmp_path):
    with pytest.raises(InvalidLabelsError, match=r"no labels\.jsonl"):
        read_labels(tmp_path)
    with pytest.raises(InvalidLabelsError, match="holds no labels"):
        read_labels(write(tmp_path, ""))
    (tmp_path / "other" / LABELS_FILE).mkdir(parents=True)
    with pytest.raises(InvalidLabelsError, match="cannot be read"):
        read_labels(tmp_path / "other")


def test_labels_are_not_written_over_nor_outside(tmp_path):
    picture = LabelledPicture(GREY, PictureLabels("a.jpg"))
    write_pictures(tmp_path, [picture])
    with pytest.raises(InvalidLabelsError, match="already"):
        write_pictures(tmp_path, [picture])
    with pytest.raises(InvalidLabelsError, match="outside the folder"):
        write_pictures(tmp_path / "new", [LabelledPicture(GREY, PictureLabels("../a.jpg"))])


def test_a_damaged_picture_is_named_when_it_is_reached(tmp_path):
    folder = write(tmp_path, {"image": "a.png"})
    (folder / "a.png").write_bytes(b"no picture")
    pictures = load_pictures(folder, read_labels(folder))
    with pytest.raises(InvalidImageError, match=r"a\.png"):
        next(pictures)


def test_labels_made_in_python_keep_to_the_same_rules():
    with pytest.raises(InvalidPhraseError):
        LabelledPhrase("", "plural", ())
    with pytest.raises(InvalidBoxError):
        LabelledRegion((0.5, 0.5, 0.2, 0.9), "red", "cup")
    assert LabelledRegion((0.25, 0.25, 0.5, 0.75), "red", "cup").box == BOX
