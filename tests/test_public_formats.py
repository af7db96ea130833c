"""Rendered scenes written as public benchmarks, read back by the readers of the real ones."""

import pytest
from kosmos_sim.public_formats.__main__ import app
from kosmos_sim.public_formats.flickr import mdetr_flickr, sentence
from kosmos_sim.public_formats.referring import KINDS
from kosmos_sim.public_formats.spoken import spoken
from kosmos_sim.public_formats.writing import COCO_FOLDER, FLICKR_FOLDER, REFER_FOLDER, SUBTYPE, write_public_formats
from kosmos_sim.splits import VALIDATION
from kosmos_sim.stream import split_records
from typer.testing import CliRunner

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.benchmarks.captions import read_captions
from kosmos_agent.evaluation.benchmarks.files import PictureFolder
from kosmos_agent.evaluation.benchmarks.flickr_entities import read_flickr_entities
from kosmos_agent.evaluation.benchmarks.mdetr import read_flickr, read_refcoco
from kosmos_agent.evaluation.benchmarks.refer import read_refer
from kosmos_agent.evaluation.benchmarks.vqa import read_vqa
from kosmos_agent.evaluation.scores.vqa import answer_accuracy

COUNT = 3


@pytest.fixture(scope="module")
def pictures():
    return list(spoken(VALIDATION, split_records(VALIDATION, COUNT)))


@pytest.fixture(scope="module")
def folder(pictures, tmp_path_factory):
    path = tmp_path_factory.mktemp("public")
    assert write_public_formats(path, "val", pictures) == COUNT
    return path


def test_what_is_said_is_the_same_every_time(pictures):
    again = list(spoken(VALIDATION, split_records(VALIDATION, COUNT)))
    for first, second in zip(pictures, again, strict=True):
        said = [(p.expressions, p.regions, p.caption, p.captions, p.questions) for p in (first, second)]
        assert said[0] == said[1]


@pytest.mark.parametrize("name", list(KINDS))
def test_expressions_of_one_thing(name, pictures, folder):
    read = read_refcoco(folder / COCO_FOLDER / f"finetune_{name}_val.json", name, "val")
    expected = [
        (e.text, boxes[0]) for p in pictures for e, boxes in p.expressions if e.kind in KINDS[name] and len(boxes) == 1
    ]
    assert [sample.phrase for sample in read.samples] == [text for text, _ in expected]
    for sample, (_, box) in zip(read.samples, expected, strict=True):
        assert sample.boxes_px[0] == pytest.approx(box, abs=0.02)
    PictureFolder(folder / COCO_FOLDER, ("images",)).digest(sample.image for sample in read.samples)


def test_both_flickr_formats_hold_the_same_phrases_and_boxes(folder):
    entities = read_flickr_entities(folder / FLICKR_FOLDER, "val")
    mdetr = read_flickr(folder / FLICKR_FOLDER / "final_flickr_separateGT_val.json", "val")
    facts = [
        sorted((s.image, s.before, s.phrase, tuple(sorted(s.boxes_px))) for s in read.samples)
        for read in (entities, mdetr)
    ]
    assert facts[0] == facts[1]
    assert len(facts[0]) >= COUNT
    assert all(sample.before.startswith("An image of") for sample in entities.samples)


def test_a_plural_phrase_has_every_box(pictures):
    """Any of them is right."""
    many = [part for p in pictures for part in p.caption if len(part.boxes_px) > 1]
    data = mdetr_flickr(pictures)
    assert len(data["annotations"]) == sum(len(part.boxes_px) for p in pictures for part in p.caption)
    assert all(part.words.strip() in sentence(p) for p in pictures for part in p.caption if part in many)


def test_captions_in_both_formats_are_the_same(folder):
    coco = read_captions(folder / COCO_FOLDER / f"captions_{SUBTYPE}.json", "val")
    karpathy = read_captions(folder / FLICKR_FOLDER / "dataset_flickr30k.json", "val")
    assert [s.references for s in coco.samples] == [s.references for s in karpathy.samples]
    assert all(len(set(s.references)) == len(s.references) for s in coco.samples)


def test_questions_are_answered_by_their_own_answers(folder, pictures):
    """As VQA gives answers out: digits, no articles; what the grammar says is right by VQA's own rules."""
    coco = folder / COCO_FOLDER
    questions, answers = f"v2_OpenEnded_mscoco_{SUBTYPE}_questions.json", f"v2_mscoco_{SUBTYPE}_annotations.json"
    read = read_vqa(coco / questions, coco / answers, "val")
    said = [question.answer for p in pictures for question in p.questions]
    pairs = zip(said, read.samples, strict=True)
    assert [answer_accuracy(text, sample.answers) for text, sample in pairs] == [1.0] * len(said)
    PictureFolder(coco, ("images",)).digest(sample.image for sample in read.samples)


def test_references_begin_with_what_the_thing_is(folder):
    read = read_refer(folder / REFER_FOLDER, "val")
    assert read.samples
    assert all(len(sample.references) >= 2 for sample in read.samples)
    assert all(sample.references[0].split()[0] in ("a", "an") for sample in read.samples)


def test_old_and_new_files_do_not_mix(folder):
    with pytest.raises(InvalidArgumentError, match="is not empty; valid: a new or empty folder"):
        write_public_formats(folder, "val", [])


def test_the_command_writes_the_first_pictures_of_a_split(tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["--split", "val", "--count", "1", *words])

    assert run("--out", str(tmp_path / "new")).exit_code == 0
    assert (tmp_path / "new" / COCO_FOLDER / "finetune_refcoco_val.json").is_file()
    refused = run("--out", str(tmp_path))
    assert refused.exit_code == 2
    assert "not empty" in " ".join(refused.output.replace("│", " ").split())
    assert run("--out", str(tmp_path / "other"), "--count", "10000").exit_code == 2
