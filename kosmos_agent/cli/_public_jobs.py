"""Builds the job of each public benchmark: its data, its way of asking, its judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from kosmos_agent.cli._load import needs
from kosmos_agent.cli._public_data import (
    open_comprehension,
    open_flickr,
    open_pictures,
    open_regions,
)
from kosmos_agent.cli._public_run import Job
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.asking.asker import Asker
from kosmos_agent.evaluation.asking.captions import ViewCaptions, WrittenCaptions
from kosmos_agent.evaluation.asking.labels import AskedLabels, LabelRecord
from kosmos_agent.evaluation.asking.phrases import FoundPhrases, WrittenPhrases
from kosmos_agent.evaluation.asking.questions import ViewAnswers, WrittenAnswers
from kosmos_agent.evaluation.asking.regions import DescribedRegions, WrittenRegions, by_example
from kosmos_agent.evaluation.benchmarks.captions import read_captions
from kosmos_agent.evaluation.benchmarks.files import PictureFolder
from kosmos_agent.evaluation.benchmarks.label_folders import read_labelled
from kosmos_agent.evaluation.benchmarks.samples import (
    CaptionSample,
    GroundingSample,
    LabelledSample,
    QuestionSample,
    RegionSample,
)
from kosmos_agent.evaluation.benchmarks.vqa import read_vqa
from kosmos_agent.evaluation.reports.mistakes import (
    Mistake,
    answer_mistakes,
    caption_mistakes,
    grounding_mistakes,
    label_mistakes,
)
from kosmos_agent.evaluation.run import evaluation_of
from kosmos_agent.evaluation.scores.boxes import GroundingRecord, grounding_figures
from kosmos_agent.evaluation.scores.texts import TextRecord
from kosmos_agent.evaluation.scores.vqa import server_answers, vqa_figures

PAPER, VIEW = "paper", "view"

_GROUNDING, _TEXT = TypeAdapter(GroundingRecord), TypeAdapter(TextRecord)
_LABELS = TypeAdapter(LabelRecord)

Judged = tuple[dict[str, Any], list[Mistake]]


def comprehension_job(
    name: str, data: Path, images: Path | None, split: str, protocol: str, written: WrittenPhrases, zoom: bool | None
) -> Job[GroundingSample, GroundingRecord]:
    """`name`: refcoco, refcoco+, refcocog, ref-l4 or flickr30k. written: the paper's way of asking."""
    benchmark = open_flickr(data, split) if name == "flickr30k" else open_comprehension(name, data, split)
    asker: Asker[GroundingSample, GroundingRecord] = written
    if protocol == VIEW:
        asker = FoundPhrases(zoom)
    return Job(benchmark, open_pictures(data, images), asker, _GROUNDING, _judge_boxes)


def region_job(
    data: Path, images: Path | None, split: str, protocol: str, shots: int, zoom: bool | None
) -> Job[RegionSample, TextRecord]:
    """InvalidArgumentError for examples where none can be shown."""
    _require_caption_scores()
    benchmark, folder = open_regions(data, split), open_pictures(data, images)
    if shots and protocol == VIEW:
        raise InvalidArgumentError(f"--shots {shots}: a view takes no examples; valid with --protocol {PAPER}")
    asker: Asker[RegionSample, TextRecord] = WrittenRegions()
    if protocol == VIEW:
        asker = DescribedRegions(zoom)
    elif shots:
        asker = by_example(benchmark.samples, folder.path, shots)
    return Job(benchmark, folder, asker, _TEXT, _judge_texts)


def caption_job(
    data: Path, images: Path | None, split: str, protocol: str, grounded: bool, zoom: bool | None
) -> Job[CaptionSample, TextRecord]:
    _require_caption_scores()
    asker: Asker[CaptionSample, TextRecord] = WrittenCaptions(max_new_tokens=128 if grounded else 64, grounded=grounded)
    if protocol == VIEW:
        asker = ViewCaptions(zoom)
    return Job(read_captions(data, split), open_pictures(data, images), asker, _TEXT, _judge_texts)


def question_job(
    data: Path, annotations: Path | None, images: Path | None, split: str, protocol: str
) -> Job[QuestionSample, TextRecord]:
    asker: Asker[QuestionSample, TextRecord] = ViewAnswers() if protocol == VIEW else WrittenAnswers()
    benchmark = read_vqa(data, annotations, split)
    return Job(benchmark, open_pictures(data, images), asker, _TEXT, _judge_answers, server_answers)


def label_job(folder: Path, split: str) -> Job[LabelledSample, LabelRecord]:
    """All that the labels of our own format ask, counted as `eval tabletop` counts it."""
    return Job(read_labelled(folder, split), PictureFolder(folder), AskedLabels(), _LABELS, _judge_labels)


def _judge_labels(records: Sequence[LabelRecord]) -> Judged:
    return evaluation_of(records).summary(), label_mistakes(records)


def _judge_boxes(records: Sequence[GroundingRecord]) -> Judged:
    return grounding_figures(records), grounding_mistakes(records)


def _judge_answers(records: Sequence[TextRecord]) -> Judged:
    return vqa_figures(records), answer_mistakes(records)


def _judge_texts(records: Sequence[TextRecord]) -> Judged:
    from kosmos_agent.evaluation.scores.captions import caption_scores

    scores = caption_scores(records)
    return dict(scores.figures), caption_mistakes(records, scores.cider_each)


def _require_caption_scores() -> None:
    """Before hours of answers are made that could not be judged."""
    with needs("benchmarks"):
        from kosmos_agent.evaluation.scores.captions import require_java
    require_java()
