"""The picture that a report rests on, with its answer drawn onto it."""

from __future__ import annotations

from PIL import Image

from kosmos_agent.drawing import annotate, annotate_text
from kosmos_agent.skills.reports import DescribeReport, FindReport, PickReport, PlaceReport, SkillReport
from kosmos_agent.skills.skills import Skills


def annotated(skills: Skills, report: SkillReport) -> Image.Image | None:
    """None once so many pictures were looked at since that this one is no longer kept."""
    rgb = skills.eyes.picture_of(report.image)
    if rgb is None:
        return None
    picture = Image.fromarray(rgb)
    match report:
        case FindReport() | PlaceReport():
            return annotate(picture, report.answer)
        case PickReport():
            return annotate(picture, report.pick.answer)
        case DescribeReport():
            return annotate_text(picture, report.description)
    return picture
