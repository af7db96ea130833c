"""A report as a picture: what it rests on, with its boxes."""

from __future__ import annotations

from PIL import Image

from kosmos_agent.drawing import annotate, annotate_text
from kosmos_agent.results import Grounding
from kosmos_agent.skills.reports import DescribeReport, FindReport, PickReport, PlaceReport, SkillReport


def annotated(report: SkillReport) -> Image.Image | None:
    """None where there is no box to draw, or where the report was read back from JSON, which holds no picture."""
    if report.image.rgb is None:
        return None
    picture = Image.fromarray(report.image.rgb)
    if isinstance(report, DescribeReport):
        return annotate_text(picture, report.description) if report.description.entities else None
    answer = _answer(report)
    return None if answer is None or not answer.candidates else annotate(picture, answer)


def _answer(report: SkillReport) -> Grounding | None:
    match report:
        case FindReport() | PlaceReport():
            return report.answer
        case PickReport():
            return report.pick.answer
    return None
