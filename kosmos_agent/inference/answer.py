"""From evidence to an answer: the numbers that it shows, the status, the question that it asks back (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kosmos_agent.calibration import Calibration, Thresholds
from kosmos_agent.clarify import clarifying_question
from kosmos_agent.inference.candidates import Decision, joint_with_presence, rivals, status_of
from kosmos_agent.inference.evidence import Evidence
from kosmos_agent.phrases import names_several
from kosmos_agent.results import Candidate, Frame, Grounding, Status


@dataclass(frozen=True)
class AnswerRules:
    """How evidence is judged. Without a calibration nothing can be said to be absent."""

    decision: Decision
    calibration: Calibration | None = None

    def answer(
        self, phrase: str, evidence: Evidence, *, frame: Frame, model: str, timings_ms: Mapping[str, float]
    ) -> Grounding:
        several = names_several(phrase)
        if self.calibration is None:
            presence = evidence.presence
            candidates = joint_with_presence(evidence.candidates, presence, self.decision)
            status = status_of(presence, candidates, self.decision, several=several)
        else:
            presence = self.calibration.presence.probability(evidence.features)
            correct = self.calibration.correctness.probability(evidence.features)
            candidates = relative_to_best(evidence.candidates, correct)
            rivalled = not several and len(rivals(evidence.candidates, self.decision)) > 1
            status = calibrated_status(presence, correct, self.calibration.thresholds, rivalled=rivalled)
        if status == "ambiguous":
            candidates = rivals(candidates, self.decision)
        return Grounding(
            phrase=phrase,
            status=status,
            candidates=candidates,
            presence=presence,
            probability_kind="joint" if self.calibration is None else "calibrated",
            question=clarifying_question(phrase, [item.box for item in candidates]) if status == "ambiguous" else None,
            frame=frame,
            model=model,
            timings_ms=dict(timings_ms),
        )


def relative_to_best(candidates: Sequence[Candidate], correct: float) -> tuple[Candidate, ...]:
    """The best candidate with its calibrated probability, the others in proportion to it and never above it."""
    best = max(candidates[0].probability, 1e-12)
    shares = [min(1.0, item.probability / best) for item in candidates]
    return tuple(
        Candidate(box=item.box, probability=share * correct) for item, share in zip(candidates, shares, strict=True)
    )


def calibrated_status(presence: float, correct: float, thresholds: Thresholds, *, rivalled: bool) -> Status:
    """presence, correct: calibrated. rivalled: another candidate weighs about as much, for a phrase that names one."""
    if presence < thresholds.not_found_below:
        return "not_found"
    if presence < thresholds.found_from:
        return "cannot_tell"
    if rivalled:
        return "ambiguous"
    return "found" if correct >= thresholds.min_probability else "cannot_tell"
