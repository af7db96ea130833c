"""VQAv2: a file of questions and, where they are public, one of ten people's answers each."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles, unique
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, QuestionSample


@dataclass(frozen=True)
class _Question:
    image_id: int
    question_id: int
    question: str


@dataclass(frozen=True)
class _Questions:
    """data_subtype: COCO's name of the pictures, such as val2014; test-dev asks about pictures of test2015."""

    questions: list[_Question]
    data_subtype: str


@dataclass(frozen=True)
class _Answer:
    answer: str


@dataclass(frozen=True)
class _Annotation:
    question_id: int
    question_type: str
    answer_type: str
    answers: list[_Answer] = Field(min_length=1)


@dataclass(frozen=True)
class _Annotations:
    annotations: list[_Annotation]


_QUESTIONS, _ANNOTATIONS = TypeAdapter(_Questions), TypeAdapter(_Annotations)


def read_vqa(questions: Path, annotations: Path | None, split: str) -> Benchmark[QuestionSample]:
    """`v2_OpenEnded_mscoco_*_questions.json` and `v2_mscoco_*_annotations.json`; of the latter none for test-dev.

    InvalidDatasetError when a question has no answers in a file that is there.
    """
    files = AnnotationFiles()
    asked = files.json(questions, _QUESTIONS)
    unique((str(item.question_id) for item in asked.questions), str(questions))
    if not asked.questions:
        raise InvalidDatasetError(f"{questions} holds no questions")
    known = {} if annotations is None else _by_question(files, annotations)
    samples = []
    for item in asked.questions:
        found = known.get(item.question_id)
        if annotations is not None and found is None:
            raise InvalidDatasetError(f"{annotations}: no answers to question {item.question_id} of {questions}")
        image = picture_name(asked.data_subtype, item.image_id)
        answers = () if found is None else tuple(answer.answer for answer in found.answers)
        kinds = () if found is None else (f"question: {found.question_type}", f"answer: {found.answer_type}")
        samples.append(QuestionSample(str(item.question_id), image, item.question, answers, kinds))
    return Benchmark("vqa", split, samples, files.digest)


def picture_name(data_subtype: str, image_id: int) -> str:
    """As COCO names its pictures; test-dev2015 is a part of test2015."""
    return f"COCO_{data_subtype.replace('test-dev', 'test')}_{image_id:012d}.jpg"


def _by_question(files: AnnotationFiles, path: Path) -> dict[int, _Annotation]:
    return {item.question_id: item for item in files.json(path, _ANNOTATIONS).annotations}
