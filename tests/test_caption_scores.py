"""Caption scores against the COCO caption evaluation itself, and on sets whose scores are known."""

import shutil

import pytest

from kosmos_agent.errors import MissingDependencyError
from kosmos_agent.evaluation.scores import captions
from kosmos_agent.evaluation.scores.captions import caption_scores
from kosmos_agent.evaluation.scores.texts import TextRecord

needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="the caption tokenizer and METEOR run on Java")

SAID = {
    "1": ("A red cup, and a blue box.", ("a red cup and a blue box", "a cup next to a box")),
    "2": ("two plates", ("Two white plates on a table.", "plates")),
    "3": ("", ("a lonely pear",)),
}


def records(said=SAID):
    return [TextRecord(key, f"{key}.jpg", 8, 8, "", text, references) for key, (text, references) in said.items()]


class _Coco:
    """What COCOEvalCap asks of its two inputs."""

    def __init__(self, texts):
        self.imgToAnns = {key: [{"caption": text} for text in some] for key, some in texts.items()}

    def getImgIds(self):  # noqa: N802 - its name
        return list(self.imgToAnns)


@pytest.mark.slow
@needs_java
def test_scores_are_those_of_the_coco_caption_evaluation(monkeypatch, capsys):
    from pycocoevalcap import eval as coco_eval

    class NoSpice:
        def method(self):
            return "SPICE"

        def compute_score(self, gts, res):
            return 0.0, [{} for _ in gts]

    monkeypatch.setattr(coco_eval, "Spice", NoSpice)
    true = _Coco({key: references for key, (_, references) in SAID.items()})
    said = _Coco({key: [text] for key, (text, _) in SAID.items()})
    theirs = coco_eval.COCOEvalCap(true, said)
    theirs.evaluate()
    ours = caption_scores(records())
    for name, key in (("cider", "CIDEr"), ("meteor", "METEOR"), ("rouge_l", "ROUGE_L"), ("bleu_4", "Bleu_4")):
        assert ours.figures[name] == pytest.approx(theirs.eval[key], rel=1e-6, abs=1e-12), name
    assert list(ours.cider_each) == pytest.approx([theirs.imgToEval[key]["CIDEr"] for key in SAID])
    assert (ours.figures["n"], ours.figures["n_empty"]) == (3, 1)
    # The words of the first are the first reference's; the third says nothing.
    assert ours.cider_each[0] > ours.cider_each[1] > ours.cider_each[2] == 0.0


def test_without_java_the_error_names_it(monkeypatch):
    monkeypatch.setattr(captions.shutil, "which", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"java is not on the PATH.*default-jre-headless"):
        caption_scores(records())


@needs_java
def test_texts_are_split_as_the_coco_evaluation_splits_them():
    """Lower case, no punctuation; a text without a word stays one without a word, in its place."""
    texts = {"1": ["A red cup, and a Blue box."], "2": [""], "3": ["it's 2:50", "<b>"]}
    assert captions._tokenized(texts) == {
        "1": ["a red cup and a blue box"],
        "2": [""],
        "3": ["it 's 2:50", "<b>"],
    }


@needs_java
def test_of_no_text_there_is_no_score():
    assert caption_scores([]).figures == {"n": 0, "n_empty": 0}
