"""The page of mistakes: the worst first, nothing of data or model taken for HTML, boxes where they are."""

import numpy as np
from benchmark_files import BOX, CUP, HEIGHT, WIDTH, write_picture
from PIL import Image

from kosmos_agent.evaluation.reports.browser import write_browser
from kosmos_agent.evaluation.reports.mistakes import (
    Mistake,
    answer_mistakes,
    caption_mistakes,
    grounding_mistakes,
)
from kosmos_agent.evaluation.scores.boxes import GroundingRecord
from kosmos_agent.evaluation.scores.texts import TextRecord

EVIL = "<script>alert('x')</script>&\"'"


def grounding(number, boxes_px, phrase="the cup"):
    return GroundingRecord(str(number), "a.png", WIDTH, HEIGHT, phrase, ("cup",), (CUP,), tuple(boxes_px), EVIL)


def text(number, said, references):
    return TextRecord(str(number), "a.png", WIDTH, HEIGHT, "what?", said, references)


def page_of(folder, mistakes, most=10):
    write_picture(folder / "a.png")
    return write_browser(folder / "out", EVIL, {"accuracy": 0.5, "by_kind": {}}, mistakes, most, folder.__truediv__)


def test_misses_the_least_overlap_first():
    near = (CUP[0], CUP[1], CUP[2] + 50, CUP[3])
    records = [grounding(1, [CUP]), grounding(2, [near]), grounding(3, []), grounding(4, [BOX, CUP])]
    assert [mistake.id for mistake in grounding_mistakes(records)] == ["3", "2", "4"]


def test_captions_by_score_and_answers_by_people():
    records = [text(1, "a cup", ("a cup",)), text(2, "", ("a box",))]
    assert [mistake.id for mistake in caption_mistakes(records, [3.0, 0.0])] == ["2", "1"]
    answers = [text(1, "cup", ("cup",) * 10), text(2, "box", ("cup",) * 10), text(3, "cup", ())]
    assert [mistake.id for mistake in answer_mistakes(answers)] == ["2"]


def test_nothing_becomes_a_tag(tmp_path):
    page = page_of(tmp_path, grounding_mistakes([grounding(1, [], EVIL)])).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;" in page
    assert "default-src 'none'" in page
    assert page.count("<article>") == page.count("</article>") == 1


def test_boxes_are_drawn_into_the_picture(tmp_path):
    inverted, outside = (50, 50, 10, 10), (WIDTH + 5, 0, WIDTH + 20, 10)
    page_of(tmp_path, grounding_mistakes([grounding(1, [BOX, inverted, outside]), grounding(2, [])]))
    with_box, without = (
        np.asarray(Image.open(tmp_path / "out" / "pictures" / f"{k:04d}.jpg")).astype(int) for k in (1, 2)
    )
    changed = np.abs(with_box - without).max(axis=2) > 60
    rows, columns = np.nonzero(changed)
    scale = with_box.shape[1] / WIDTH
    assert abs(columns.min() / scale - BOX[0]) < 3
    assert abs(columns.max() / scale - BOX[2]) < 3
    assert abs(rows.max() / scale - BOX[3]) < 3


def test_only_so_many_are_shown_and_questions_have_no_picture(tmp_path):
    mistakes = [Mistake(str(k), None, f"question {k}", {"right": "yes"}) for k in range(5)]
    page = page_of(tmp_path, mistakes, most=3).read_text()
    assert page.count("<article>") == 3
    assert "3 of 5 shown" in page
    assert "<img" not in page
