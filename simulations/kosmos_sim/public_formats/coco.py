"""COCO captions, Karpathy's splits, and VQAv2, as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kosmos_agent.evaluation.scores.vqa_words import normalised_answer
from kosmos_sim.public_formats.spoken import Question, SpokenPicture

PEOPLE = 10
"""Answers to a question; all the same here, where the answer is certain. VQA gives them out normalised."""

Json = dict[str, Any]
_ANSWER_TYPES = {"how many": "number", "is there": "yes/no"}


def coco_name(subtype: str, picture: SpokenPicture) -> str:
    """As COCO names its pictures."""
    return f"COCO_{subtype}_{picture.id:012d}.jpg"


def coco_images(subtype: str, pictures: Sequence[SpokenPicture]) -> list[Json]:
    return [
        {
            "id": picture.id,
            "file_name": coco_name(subtype, picture),
            "width": picture.size[0],
            "height": picture.size[1],
        }
        for picture in pictures
    ]


def coco_captions(subtype: str, pictures: Sequence[SpokenPicture]) -> Json:
    """`captions_*.json`."""
    texts = [(picture.id, text) for picture in pictures for text in picture.captions]
    annotations = [{"id": number, "image_id": image, "caption": text} for number, (image, text) in enumerate(texts, 1)]
    return {"images": coco_images(subtype, pictures), "annotations": annotations}


def karpathy(split: str, pictures: Sequence[SpokenPicture]) -> Json:
    """`dataset_flickr30k.json`."""
    images = [
        {
            "filename": f"{picture.id}.jpg",
            "imgid": picture.id,
            "split": split,
            "sentences": [{"raw": text} for text in picture.captions],
        }
        for picture in pictures
        if picture.captions
    ]
    return {"dataset": "table-tops", "images": images}


def vqa_questions(subtype: str, pictures: Sequence[SpokenPicture]) -> Json:
    """`v2_OpenEnded_mscoco_*_questions.json`."""
    questions = [
        {"image_id": image, "question_id": number, "question": question.text}
        for image, number, question in _numbered(pictures)
    ]
    return {"data_type": "table-tops", "data_subtype": subtype, "task_type": "Open-Ended", "questions": questions}


def vqa_annotations(subtype: str, pictures: Sequence[SpokenPicture]) -> Json:
    """`v2_mscoco_*_annotations.json`."""
    annotations = [
        {
            "image_id": image,
            "question_id": number,
            "question_type": question.sort,
            "answer_type": _ANSWER_TYPES.get(question.sort, "other"),
            "multiple_choice_answer": answer,
            "answers": [
                {"answer_id": person, "answer": answer, "answer_confidence": "yes"} for person in range(1, PEOPLE + 1)
            ],
        }
        for image, number, question in _numbered(pictures)
        for answer in [normalised_answer(question.answer)]
    ]
    return {"data_type": "table-tops", "data_subtype": subtype, "annotations": annotations}


def _numbered(pictures: Sequence[SpokenPicture]) -> list[tuple[int, int, Question]]:
    """(picture, question number, question); the number begins with the picture's, as VQA's do."""
    return [
        (picture.id, picture.id * 1000 + number, question)
        for picture in pictures
        for number, question in enumerate(picture.questions)
    ]
