"""Every public format gives the samples that its file holds; what does not keep to it is refused by file and entry."""

import json

import pyarrow
import pyarrow.parquet
import pytest
from benchmark_files import (
    BOX,
    CUP,
    HEIGHT,
    WIDTH,
    caption_file,
    entities_folder,
    entities_xml,
    mdetr_image,
    question_files,
    refer_folder,
    referring_file,
    write_json,
    write_picture,
    xywh,
)

from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks.captions import read_captions
from kosmos_agent.evaluation.benchmarks.files import PictureFolder
from kosmos_agent.evaluation.benchmarks.flickr_entities import parse_boxes, parse_sentence, read_flickr_entities
from kosmos_agent.evaluation.benchmarks.label_folders import read_label_folder
from kosmos_agent.evaluation.benchmarks.mdetr import read_flickr, read_refcoco, read_regions
from kosmos_agent.evaluation.benchmarks.ref_l4 import read_ref_l4
from kosmos_agent.evaluation.benchmarks.refer import read_refer
from kosmos_agent.evaluation.benchmarks.vqa import read_vqa


def test_refcoco_of_mdetr(tmp_path):
    read = read_refcoco(referring_file(tmp_path), "refcoco", "val")
    assert [(s.image, s.phrase, s.boxes_px, s.before) for s in read.samples] == [
        ("a.png", "the red cup", (CUP,), ""),
        ("b.png", "the box", (BOX,), ""),
    ]
    assert (read.samples[0].width, read.samples[0].height) == (WIDTH, HEIGHT)


def test_the_digest_is_of_the_contents(tmp_path):
    first = read_refcoco(referring_file(tmp_path / "1"), "refcoco", "val").digest
    again = read_refcoco(referring_file(tmp_path / "2"), "refcoco", "val").digest
    other = read_refcoco(referring_file(tmp_path / "3", expressions=(("the cup", CUP),)), "refcoco", "val").digest
    assert first == again != other


def test_regions_gather_all_that_was_said_of_a_box(tmp_path):
    expressions = (("the red cup", CUP), ("the cup on the left", CUP), ("the box", BOX))
    read = read_regions(referring_file(tmp_path, expressions=expressions), "val")
    assert [(s.box_px, s.references) for s in read.samples] == [
        (CUP, ("the red cup", "the cup on the left")),
        (BOX, ("the box",)),
    ]


def test_flickr_of_mdetr_asks_each_phrase_behind_its_words(tmp_path):
    caption = "A man with a hat and a view"
    image = mdetr_image(3, caption, tokens_positive_eval=[[[0, 5]], [[11, 16]], [[21, 27]]])
    boxes = [([[0, 5]], CUP), ([[0, 5]], BOX), ([[11, 16]], BOX)]
    annotations = [{"id": k, "image_id": 3, "bbox": xywh(b), "tokens_positive": t} for k, (t, b) in enumerate(boxes)]
    read = read_flickr(write_json(tmp_path / "f.json", {"images": [image], "annotations": annotations}), "test")
    assert [(s.id, s.before, s.phrase, s.boxes_px) for s in read.samples] == [
        ("3-0", "", "A man", (CUP, BOX)),
        ("3-1", "A man with ", "a hat", (BOX,)),
    ]
    assert len(read.left_out) == 1


def test_flickr_entities_as_given_out(tmp_path):
    read = read_flickr_entities(entities_folder(tmp_path), "test")
    assert [(s.image, s.before, s.phrase, s.kinds) for s in read.samples] == [
        ("5.jpg", "", "A man", ("people",)),
        ("5.jpg", "A man with ", "a hat", ("clothing", "other")),
        ("5.jpg", "A man with a hat and a view near ", "A man", ("people",)),
    ]
    # The second `A man` is scored by the first one's boxes, as the published evaluation does.
    assert [s.boxes_px for s in read.samples] == [(CUP, BOX), (BOX,), (CUP, BOX)]
    assert len(read.left_out) == 1
    assert "a view" in read.left_out[0]


def test_the_same_words_twice_are_scored_alike_in_either_format(tmp_path):
    """`A man` twice in one caption: by the first one's boxes. In the next caption it is a phrase of its own."""
    caption = "A man with a hat near A man"
    image = mdetr_image(3, caption, tokens_positive_eval=[[[0, 5]], [[11, 16]], [[22, 27]]])
    other = mdetr_image(4, "A man", tokens_positive_eval=[[[0, 5]]])
    boxes = [(3, [[0, 5]], CUP), (3, [[0, 5]], BOX), (3, [[11, 16]], BOX), (3, [[22, 27]], BOX), (4, [[0, 5]], BOX)]
    annotations = [
        {"id": k, "image_id": number, "bbox": xywh(box), "tokens_positive": spans}
        for k, (number, spans, box) in enumerate(boxes)
    ]
    read = read_flickr(write_json(tmp_path / "f.json", {"images": [image, other], "annotations": annotations}), "test")
    entities = read_flickr_entities(entities_folder(tmp_path), "test")
    assert [s.boxes_px for s in read.samples] == [*(s.boxes_px for s in entities.samples), (BOX,)]


def test_a_sentence_without_phrases_stays_as_it_is():
    assert parse_sentence("Just [words] .", "x") == ("Just [words] .", [])


@pytest.mark.parametrize("line", ["[/EN#7/people A man", "[/EN#x/people A man] .", "[/EN#7 A man]"])
def test_a_malformed_phrase_is_refused(line):
    with pytest.raises(InvalidDatasetError, match=r"5.txt: a phrase is malformed; valid: \[/EN#number/type words\]"):
        parse_sentence(line, "5.txt")


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"no xml", "no annotation"),
        (b"<annotation></annotation>", "no size/width"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>", "entities"),
        (entities_xml([("7", ("x", 1, 2, 3))]).encode(), "no annotation"),
    ],
)
def test_a_malformed_annotation_is_refused(data, part):
    with pytest.raises(InvalidDatasetError, match=part):
        parse_boxes(data, "5.xml")


def test_an_id_cannot_leave_the_folder(tmp_path):
    entities_folder(tmp_path)
    (tmp_path / "test.txt").write_text("../5\n")
    with pytest.raises(InvalidDatasetError, match=r"'../5' is no picture's id"):
        read_flickr_entities(tmp_path, "test")


def test_captions_of_coco_and_of_karpathy(tmp_path):
    coco = read_captions(caption_file(tmp_path), "test")
    assert [(s.image, s.references) for s in coco.samples] == [("a.png", ("a cup", "the cup")), ("b.png", ("a box",))]
    assert coco.left_out == ("picture c.png: no caption",)
    images = [{"filename": f"{k}.png", "split": k, "sentences": [{"raw": f"a {k}"}]} for k in ("test", "train")]
    karpathy = read_captions(write_json(tmp_path / "k.json", {"images": images, "dataset": "x"}), "test")
    assert [(s.image, s.references) for s in karpathy.samples] == [("test.png", ("a test",))]
    with pytest.raises(InvalidDatasetError, match="no pictures of split 'val'; valid: test, train"):
        read_captions(tmp_path / "k.json", "val")


def test_questions_with_and_without_answers(tmp_path):
    questions, annotations = question_files(tmp_path)
    known, unknown = read_vqa(questions, annotations, "val"), read_vqa(questions, None, "test-dev")
    assert [(s.image, s.question) for s in known.samples] == [
        ("COCO_val2014_000000000042.jpg", "What is it?"),
        ("COCO_val2014_000000000042.jpg", "???"),
    ]
    assert known.samples[0].answers == ("cup",) * 10
    assert known.samples[0].kinds == ("question: what is", "answer: other")
    assert unknown.samples[0].answers == ()
    data = json.loads(annotations.read_text())
    write_json(annotations, {"annotations": data["annotations"][:1]})
    with pytest.raises(InvalidDatasetError, match="no answers to question 2"):
        read_vqa(questions, annotations, "val")


def test_references_of_the_refer_tool(tmp_path):
    read = read_refer(refer_folder(tmp_path), "val")
    assert [(s.id, s.image, s.box_px, s.references) for s in read.samples] == [
        ("1", "a.png", CUP, ("the cup", "red")),
        ("2", "b.png", BOX, ("a box",)),
    ]


def test_a_pickle_is_named_and_never_opened(tmp_path):
    (tmp_path / "refs(umd).p").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(InvalidDatasetError, match=r"pickle, which is never opened; valid: the same list as JSON"):
        read_refer(tmp_path, "val")


def test_ref_l4(tmp_path):
    rows = [
        {
            "id": "r1",
            "caption": "a cup",
            "bbox": xywh(CUP),
            "width": 120,
            "height": 90,
            "file_name": "a.png",
            "is_rewrite": 1,
        }
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "ref-l4-test.parquet")
    sample = read_ref_l4(tmp_path / "ref-l4-test.parquet", "test").samples[0]
    assert (sample.id, sample.phrase, sample.boxes_px, sample.kinds) == ("r1", "a cup", (CUP,), ("rewritten",))
    (tmp_path / "bad.parquet").write_bytes(b"no")
    with pytest.raises(InvalidDatasetError, match=r"bad\.parquet is no parquet file"):
        read_ref_l4(tmp_path / "bad.parquet", "test")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{"id": 1}]), tmp_path / "few.parquet")
    with pytest.raises(InvalidDatasetError, match=r"0.caption: Field required"):
        read_ref_l4(tmp_path / "few.parquet", "test")


def test_our_own_label_folder(tmp_path):
    write_picture(tmp_path / "1.png")
    phrases = [
        {"text": "the cup", "kind": "category", "boxes": [[0.1, 0.1, 0.5, 0.5]]},
        {"text": "the pear", "kind": "absent", "boxes": []},
    ]
    (tmp_path / "labels.jsonl").write_text(json.dumps({"image": "1.png", "phrases": phrases}) + "\n")
    read = read_label_folder(tmp_path, "refcoco", "own")
    assert [(s.phrase, s.kinds) for s in read.samples] == [("the cup", ("category",))]
    assert read.samples[0].boxes_px[0] == pytest.approx((12, 9, 60, 45))
    assert len(read.left_out) == 1


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda d: d["images"][0].pop("caption"), "images.0.caption: Field required"),
        (lambda d: d["images"][0].update(width=0), "images.0.width"),
        (lambda d: d["images"][1].update(id=0), "id 0 comes twice"),
        (lambda d: d["annotations"].pop(), "entry 1 has 0 boxes; valid: one"),
        (lambda d: d["annotations"][0].update(bbox=[1, 2, 0, 4]), "is empty; valid: x, y, width, height"),
        (lambda d: d["annotations"][0].update(bbox=[1, 2, 3]), "annotations.0.bbox"),
        (lambda d: d.update(images=[]), "holds no images"),
    ],
)
def test_what_mdetr_would_not_write_is_refused(change, part, tmp_path):
    path = referring_file(tmp_path)
    data = json.loads(path.read_text())
    change(data)
    with pytest.raises(InvalidDatasetError, match=part) as error:
        read_refcoco(write_json(path, data), "refcoco", "val")
    assert path.name in str(error.value)
    assert error.value.code == "invalid_dataset"


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_what_is_not_the_file_is_refused(content, tmp_path):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(InvalidDatasetError, match=r"x\.json"):
        read_refcoco(tmp_path / "x.json", "refcoco", "val")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidDatasetError, match="cannot be read"):
        read_refcoco(tmp_path / "no.json", "refcoco", "val")


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "c:\\a.png", "", "link.png", "none.png"])
def test_pictures_come_from_the_folder_alone(name, tmp_path):
    root = tmp_path / "pictures"
    write_picture(root / "sub" / "b.png")
    write_picture(tmp_path / "a.png")
    (root / "link.png").symlink_to(tmp_path / "a.png")
    folder = PictureFolder(root, ("sub",))
    assert folder.path("b.png") == root / "sub" / "b.png"
    with pytest.raises(InvalidDatasetError, match="picture"):
        folder.path(name)
