"""`View`: one picture that a model has looked at, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from kosmos_agent import prompts
from kosmos_agent.calibration import CHEAP_FEATURES, Feature
from kosmos_agent.errors import CancelledError, InvalidArgumentError
from kosmos_agent.images import mirror_image
from kosmos_agent.inference.answer import AnswerRules
from kosmos_agent.inference.asked_again import asked_again, is_asked_again
from kosmos_agent.inference.clauses import ParsedPhrase, parse, with_anchors
from kosmos_agent.inference.close_ups import describe_closely, name_and_place
from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.evidence import Evidence, gather
from kosmos_agent.inference.frame import EncodedFrame, Stopwatch, continue_frame, encode_frame, encode_frames
from kosmos_agent.inference.generate import Decoding, StopCallback, Written, generate
from kosmos_agent.inference.lists import is_list, rewritten, single_boxes
from kosmos_agent.inference.looks import Looks, Part
from kosmos_agent.inference.nearest import with_nearest_first
from kosmos_agent.inference.relations import check_claims
from kosmos_agent.inference.rivals import rivals_of
from kosmos_agent.inference.several import candidates_of, joined, write_boxes
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.markup import escape_user_text, from_tagged
from kosmos_agent.results import Box, Candidate, Entity, Frame, GroundedText, Grounding, with_unknown_words

if TYPE_CHECKING:
    from kosmos_agent.grounder import Grounder

CaptionStyle = Literal["brief", "detailed"]
MAX_PHRASES = 64


class View:
    """One picture, encoded. Every method continues the same image prefix and leaves it as it is.

    mirrored: its mirror image, where it was read already. known: `Looks.known`.
    """

    def __init__(
        self,
        grounder: Grounder,
        frame: Frame,
        encoded: EncodedFrame,
        rgb: NDArray[np.uint8],
        mirrored: EncodedFrame | None = None,
    ) -> None:
        self.grounder = grounder
        self.frame = frame
        self.encoded = encoded
        self._rgb = rgb
        self._mirrored = mirrored
        self.known: dict[tuple[bool, str], CornerScores] = {}

    def find(self, phrase: str, *, zoom: bool | None = None) -> Grounding:
        """Where is the thing that `phrase` names? InvalidPhraseError for no phrase or one over 256 characters.

        zoom: look again at a small thing through a crop; None leaves it to the model's profile.
        """
        return self.find_all([phrase], zoom=zoom)[0]

    def find_all(self, phrases: Sequence[str], *, zoom: bool | None = None) -> list[Grounding]:
        """One answer per phrase, all in one pass over the shared prefix, with the things that they lean on."""
        _check_phrases(phrases)
        clock = Stopwatch(self.grounder.model.device)
        parsed, asked = [parse(phrase) for phrase in phrases], with_anchors(phrases)
        calibration = self.grounder.calibration
        features = CHEAP_FEATURES if calibration is None else calibration.features
        looks = self._looks(zoom)
        evidence = gather(looks, asked, features, self.grounder.decision, clock)
        timings = {**self.encoded.timings_ms, **clock.laps_ms}
        found = [self._grounding(*pair, timings) for pair in zip(asked, evidence, strict=True)]
        rivals = self._rivals(parsed, found, looks)
        if rivals:
            clock.lap("rivals")
        leaned_on = dict(zip(asked[len(phrases) :], found[len(phrases) :], strict=True))
        answers = []
        for answer, phrase in zip(found, parsed, strict=False):
            others = tuple(item.box for item in rivals.get(phrase.plain_head, ()) if phrase.claims_nearest)
            meant = with_nearest_first(looks, answer, phrase, leaned_on, others)
            answers.append(check_claims(meant, phrase.clauses, leaned_on, others))
        closer = self._zoom_again(looks)
        if closer is not None and any(map(is_asked_again, answers)):
            least = 0.0 if calibration is None else calibration.thresholds.min_probability
            answers = asked_again(looks, closer, answers, parsed, rivals, least)
            clock.lap("opinion")
        return [answer.model_copy(update={"timings_ms": answer.timings_ms | clock.laps_ms}) for answer in answers]

    def evidence(
        self,
        phrases: Sequence[str],
        features: Collection[Feature] = CHEAP_FEATURES,
        *,
        zoom: bool | None = None,
    ) -> list[Evidence]:
        """What the answers to `phrases` rest on, before they are judged; `kosmos-agent calibrate` fits on it."""
        _check_phrases(phrases)
        looks = self._looks(zoom)
        found = gather(looks, with_anchors(phrases), features, self.grounder.decision, Stopwatch(looks.model.device))
        return found[: len(phrases)]

    def find_each(self, phrase: str, *, should_stop: StopCallback | None = None) -> Grounding:
        """All the things that a plural phrase names: every candidate is meant (`count` "many"), at most 16.

        InvalidPhraseError as for `find`; CancelledError when `should_stop`, asked before each box, said so.
        """
        answer = self.find(phrase)
        clock = Stopwatch(self.grounder.model.device)
        model, tokenizer = self.grounder.model, self.grounder.tokenizer
        ids = tokenizer.encode_words(prompts.phrase_grounding(phrase))
        written = write_boxes(model, tokenizer, self.encoded, [ids], should_stop=should_stop)[0]
        clock.lap("boxes")
        if written.stopped:
            raise CancelledError(f"stopped after {len(written.boxes)} boxes, as asked")
        whole = joined(answer, candidates_of(written, tokenizer.grid_side, self.grounder.decision))
        whole = whole.model_copy(update={"timings_ms": {**answer.timings_ms, **clock.laps_ms}})
        return with_unknown_words(whole, answer.unknown_words)

    def describe(self, box: Box, *, zoom: bool | None = None, should_stop: StopCallback | None = None) -> GroundedText:
        """What is in the box? The whole text links to it. zoom: seen through a window around it; None as for `find`."""
        return self.describe_all([box], zoom=zoom, should_stop=should_stop)[0]

    def describe_all(
        self, boxes: Sequence[Box], *, zoom: bool | None = None, should_stop: StopCallback | None = None
    ) -> list[GroundedText]:
        """`describe` for each box, all written in step."""
        looks, decoding = self._looks(zoom), Decoding(max_new_tokens=48)
        if looks.zoom is None:
            texts = [prompts.expression_generation(box) for box in boxes]
            written = self._write(texts, decoding, should_stop, whole=False)
        else:
            _check_count(boxes)
            clock = Stopwatch(looks.model.device)
            rows = describe_closely(looks, looks.zoom, boxes, replace(decoding, boxes=False), should_stop)
            clock.lap("zoom")
            written = [self._text(row, row.ids, clock) for row in _unstopped(rows)]
        return [_linked(text, box) for text, box in zip(written, boxes, strict=True)]

    def caption(
        self, style: CaptionStyle = "brief", *, zoom: bool | None = None, should_stop: StopCallback | None = None
    ) -> GroundedText:
        """What is in the picture? `brief` or `detailed`, the things linked to their boxes.

        zoom: look again at each thing that a brief caption lists (`Profile.list_captions`); None as for `find`.
        """
        profile = self.grounder.profile
        if style not in ("brief", "detailed"):
            raise InvalidArgumentError(f"caption style {style!r}; valid: brief, detailed")
        if style == "detailed" and not profile.detailed_captions:
            raise InvalidArgumentError(f"{self.grounder.name} writes brief captions only; valid style: brief")
        prompt = prompts.BRIEF_CAPTION if style == "brief" else prompts.DETAILED_CAPTION
        text = self._write([prompt], Decoding(max_new_tokens=128), should_stop, whole=style == "brief")[0]
        looks = self._looks(zoom)
        if style == "detailed" or not profile.list_captions or looks.zoom is None or not is_list(text):
            return text
        return self._put_right(text, looks, looks.zoom, should_stop)

    def answer(self, question: str, *, should_stop: StopCallback | None = None) -> GroundedText:
        """An answer to a question about the picture. InvalidPhraseError as for `find`."""
        return self.answer_all([question], should_stop=should_stop)[0]

    def answer_all(self, questions: Sequence[str], *, should_stop: StopCallback | None = None) -> list[GroundedText]:
        """`answer` for each question, all written in step."""
        ask = prompts.grounded_question if self.grounder.profile.grounded_answers else prompts.plain_question
        texts = [ask(question) for question in questions]
        return self._write(texts, Decoding(max_new_tokens=64), should_stop, whole=False)

    def _zoom_again(self, looks: Looks) -> Zoom | None:
        """From how near what was found is asked about again; None for never (`Profile.second_opinion`)."""
        return looks.zoom if self.grounder.profile.second_opinion else None

    def _rivals(
        self, phrases: Sequence[ParsedPhrase], found: Sequence[Grounding], looks: Looks
    ) -> dict[str, tuple[Candidate, ...]]:
        """Of phrases that say which of several they mean, and, where what was found is asked about again, of those that
        say nothing of that.
        """
        grounder, alone = self.grounder, self._zoom_again(looks) is not None
        heads = [
            phrase.plain_head
            for phrase, answer in zip(phrases, found, strict=False)
            if phrase.claims_nearest or (alone and is_asked_again(answer) and phrase.claims_nothing_of_place)
        ]
        return rivals_of(grounder.model, grounder.tokenizer, self.encoded, grounder.decision, heads)

    def _grounding(self, phrase: str, evidence: Evidence, timings_ms: dict[str, float]) -> Grounding:
        grounder = self.grounder
        rules = AnswerRules(grounder.decision, grounder.calibration)
        answer = rules.answer(phrase, evidence, frame=self.frame, model=grounder.name, timings_ms=timings_ms)
        return with_unknown_words(answer, grounder.unknown_words(phrase))

    def mirror_image(self) -> EncodedFrame:
        """Read once, when a feature asks for it."""
        if self._mirrored is None:
            self._mirrored = encode_frame(self.grounder.model, self.grounder.processor, mirror_image(self._rgb))
        return self._mirrored

    def _parts(self, parts: Sequence[Part]) -> EncodedFrame:
        seen = [(np.ascontiguousarray(window.crop(self._rgb)), mirrored) for window, mirrored in parts]
        pictures = [mirror_image(rgb) if mirrored else rgb for rgb, mirrored in seen]
        return encode_frames(self.grounder.model, self.grounder.processor, pictures)

    def _write(
        self, texts: Sequence[str], decoding: Decoding, should_stop: StopCallback | None, *, whole: bool
    ) -> list[GroundedText]:
        """One text behind each prompt. `whole` keeps the prompt's words. CancelledError when `should_stop` said so."""
        _check_count(texts)
        clock = Stopwatch(self.grounder.model.device)
        model, tokenizer = self.grounder.model, self.grounder.tokenizer
        ids = [tokenizer.encode_words(text) for text in texts]
        read = continue_frame(model, self.encoded, ids, decoding.max_new_tokens)
        clock.lap("read")
        written = _unstopped(generate(model, tokenizer, read, decoding, should_stop))
        clock.lap("write")
        pairs = zip(ids, written, strict=True)
        return [self._text(row, [*prompt, *row.ids] if whole else row.ids, clock) for prompt, row in pairs]

    def _text(self, row: Written, ids: Sequence[int], clock: Stopwatch) -> GroundedText:
        tokenizer = self.grounder.tokenizer
        return from_tagged(tokenizer.decode(ids), tokenizer.grid_side).model_copy(
            update={
                "log_probability": sum(row.log_probabilities),
                "frame": self.frame,
                "model": self.grounder.name,
                "timings_ms": {**self.encoded.timings_ms, **clock.laps_ms},
            }
        )

    def _put_right(
        self, text: GroundedText, looks: Looks, zoom: Zoom, should_stop: StopCallback | None
    ) -> GroundedText:
        clock, boxes = Stopwatch(looks.model.device), single_boxes(text)
        seen = name_and_place(looks, zoom, boxes, Decoding(max_new_tokens=24, boxes=False), should_stop)
        if len(seen) < len(boxes):
            raise CancelledError(f"stopped after {len(seen)} of {len(boxes)} closer looks, as asked")
        clock.lap("zoom")
        return rewritten(text, seen).model_copy(update={"timings_ms": {**text.timings_ms, **clock.laps_ms}})

    def _looks(self, zoom: bool | None) -> Looks:
        grounder = self.grounder
        zooms = grounder.profile.zoom if zoom is None else zoom
        return Looks(
            grounder.model,
            grounder.tokenizer,
            self.encoded,
            (self.frame.width, self.frame.height),
            self.mirror_image,
            self._parts,
            grounder.profile.both_ways,
            grounder.zoom if zooms else None,
            self.known,
        )


def _check_phrases(phrases: Sequence[str]) -> None:
    """As their asker wrote them; what is asked of the model in other words may be a little longer."""
    if not 1 <= len(phrases) <= MAX_PHRASES:
        raise InvalidArgumentError(f"{len(phrases)} phrases; valid: 1 to {MAX_PHRASES} at a time")
    for phrase in phrases:
        escape_user_text(phrase)


def _check_count(texts: Sequence[object]) -> None:
    if not 1 <= len(texts) <= MAX_PHRASES:
        raise InvalidArgumentError(f"{len(texts)} texts to write; valid: 1 to {MAX_PHRASES} at a time")


def _unstopped(rows: list[Written]) -> list[Written]:
    """CancelledError where the caller stopped the writing."""
    if any(row.reason == "stopped" for row in rows):
        raise CancelledError(f"stopped after {max(len(row.ids) for row in rows)} tokens, as asked")
    return rows


def _linked(text: GroundedText, box: Box) -> GroundedText:
    words = text.text
    entities = (Entity(text=words, start=0, end=len(words), boxes=(box,)),) if words else ()
    return text.model_copy(update={"entities": entities})
