"""Hand-made parses, a detector that is told what it sees, and folders of samples: GrIT without any download."""

import io
import json
import os
import signal
from dataclasses import dataclass, field

import spacy
from PIL import Image
from spacy.tokens import Doc

from kosmos_agent.grit.building import Makers
from kosmos_agent.grit.detection import Detection
from kosmos_agent.grit.errors import InvalidCaptionError
from kosmos_agent.results import Box

VOCAB = spacy.blank("en").vocab

# (word, part of speech, dependency, index of the head), as spaCy's English pipelines label them.
PAPER = (
    ("a", "DET", "det", 1), ("dog", "NOUN", "ROOT", 1), ("in", "ADP", "prep", 1), ("a", "DET", "det", 4),
    ("field", "NOUN", "pobj", 2), ("of", "ADP", "prep", 4), ("flowers", "NOUN", "pobj", 5),
)  # fmt: skip
CONJUNCTS = (
    ("a", "DET", "det", 1), ("cat", "NOUN", "ROOT", 1), ("and", "CCONJ", "cc", 1), ("a", "DET", "det", 4),
    ("dog", "NOUN", "conj", 1), ("on", "ADP", "prep", 4), ("a", "DET", "det", 7), ("mat", "NOUN", "pobj", 5),
)  # fmt: skip
LOVE = (("the", "DET", "det", 1), ("love", "NOUN", "ROOT", 1), ("of", "ADP", "prep", 1), ("music", "NOUN", "pobj", 2))
ACCENTS = (("ein", "DET", "det", 2), ("🐕‍🦺", "SYM", "nmod", 2), ("Köter", "NOUN", "ROOT", 2))


def parsed(rows, spaces=None):
    words, pos, deps, heads = zip(*rows, strict=True)
    spaces = [True] * (len(words) - 1) + [False] if spaces is None else spaces
    return Doc(VOCAB, words=list(words), spaces=spaces, pos=list(pos), deps=list(deps), heads=list(heads))


class HandParser:
    """Knows the captions above by heart."""

    def __init__(self):
        self._known = {doc.text: doc for doc in map(parsed, (PAPER, CONJUNCTS, LOVE, ACCENTS))}

    def __call__(self, caption):
        if caption not in self._known:
            raise InvalidCaptionError(f"{caption!r} is not known by heart")
        return self._known[caption]


@dataclass
class ToldDetector:
    """seen: phrase to its (corners, score) pairs."""

    seen: dict = field(default_factory=dict)

    def detect(self, image, phrases):
        return [
            Detection(index, box(*corners), score)
            for index, phrase in enumerate(phrases)
            for corners, score in self.seen.get(phrase, ())
        ]


class DogDetector(ToldDetector):
    """A dog on the left and flowers on the right, wherever it looks."""

    def __init__(self):
        super().__init__(
            {
                "a dog": [((0.1, 0.2, 0.4, 0.8), 0.9)],
                "flowers": [((0.5, 0.5, 1.0, 1.0), 0.8)],
                "a field": [((0.5, 0.5, 1.0, 0.98), 0.7)],
            }
        )


class KillingDetector(DogDetector):
    """Its process is killed by every picture of seven by seven."""

    def detect(self, image, phrases):
        if image.size == (7, 7):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().detect(image, phrases)


MAKERS = Makers(HandParser, DogDetector, "by heart", "told")
DOG_CAPTION = "a dog in a field of flowers"


def box(x1, y1, x2, y2):
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)


def jpeg(width=64, height=48, colour="green"):
    data = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "JPEG")
    return data.getvalue()


def write_sample(folder, key, caption=DOG_CAPTION, picture=None, facts=None):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key}.jpg").write_bytes(jpeg() if picture is None else picture)
    (folder / f"{key}.txt").write_text(caption, encoding="utf-8")
    if facts is not None:
        (folder / f"{key}.json").write_text(facts if isinstance(facts, str) else json.dumps(facts), encoding="utf-8")


def write_shards(folder, shards=2, pairs=3):
    for shard in range(shards):
        for place in range(pairs):
            write_sample(folder / f"{shard:05d}", f"{shard:05d}{place:04d}")
    return folder
