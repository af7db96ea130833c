"""Our own `Grounder` as the detector: its calibrated probability is the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from kosmos_agent.grit.detection import Detection
from kosmos_agent.grounder import Grounder
from kosmos_agent.phrases import names_several
from kosmos_agent.results import Candidate, Grounding
from kosmos_agent.view import MAX_PHRASES, View


class GrounderDetector:
    """Phrases with words that the model never learnt are given no box: its score would mean nothing."""

    def __init__(self, grounder: Grounder) -> None:
        self._grounder = grounder

    def detect(self, image: Image.Image, phrases: Sequence[str]) -> list[Detection]:
        view = self._grounder.view(np.asarray(image))
        asked = (phrases[start : start + MAX_PHRASES] for start in range(0, len(phrases), MAX_PHRASES))
        answers = [answer for some in asked for answer in view.find_all(some)]
        return [
            Detection(index, candidate.box, candidate.probability)
            for index, answer in enumerate(answers)
            for candidate in _candidates(view, answer)
        ]


def _candidates(view: View, answer: Grounding) -> Iterable[Candidate]:
    if answer.unknown_words:
        return ()
    if names_several(answer.phrase) and answer.status != "not_found":
        return view.find_each(answer.phrase).candidates
    return answer.candidates
