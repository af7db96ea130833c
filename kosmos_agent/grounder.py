"""The public face: a `Grounder` holds a model, a `View` is one picture that it has looked at.

grounder = Grounder.load("tabletop")
view = grounder.view(image)              # the frame is encoded once
answer = view.find("the red cup")        # each question costs only its own few tokens
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from kosmos_agent import prompts
from kosmos_agent.calibration import CHEAP_FEATURES, Calibration, Feature
from kosmos_agent.errors import CancelledError, InvalidArgumentError
from kosmos_agent.images import as_rgb_array
from kosmos_agent.inference.answer import AnswerRules
from kosmos_agent.inference.calibration_file import load_calibration
from kosmos_agent.inference.candidates import Decision
from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.devices import check_device
from kosmos_agent.inference.evidence import Evidence, Looks, gather
from kosmos_agent.inference.frame import EncodedFrame, Stopwatch, continue_frame, encode_frame
from kosmos_agent.inference.generate import Decoding, StopCallback, generate
from kosmos_agent.inference.relations import check_claims
from kosmos_agent.inference.several import candidates_of, joined, write_boxes
from kosmos_agent.inference.windows import Window
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.markup import from_tagged
from kosmos_agent.model.checkpoint import check_tokenizer, load_model, load_tokenizer, read_config
from kosmos_agent.model.folder import locate
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.processor import Picture, Processor
from kosmos_agent.profile import Profile
from kosmos_agent.results import Box, Entity, Frame, GroundedText, Grounding, with_unknown_words
from kosmos_agent.tokenizer import Tokenizer

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
CaptionStyle = Literal["brief", "detailed"]
MAX_PHRASES = 64


class Grounder:
    """A model ready to look at pictures. Views may be used from several threads.

    calibration: None where the numbers in answers are the model's own, and nothing can be said to be absent.
    warnings: what is amiss but did not keep it from loading, such as a calibration that is for other weights.
    """

    def __init__(
        self,
        model: Kosmos2,
        tokenizer: Tokenizer,
        *,
        name: str,
        profile: Profile | None = None,
        decision: Decision | None = None,
        zoom: Zoom | None = None,
        calibration: Calibration | None = None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.processor = Processor.for_config(tokenizer, model.config)
        self.name = name
        self.profile = profile or Profile()
        self.decision = decision or Decision(mean_boxes=self.profile.mean_boxes)
        self.zoom = zoom or Zoom()
        self.calibration = calibration
        self.warnings = warnings

    @classmethod
    def load(
        cls,
        model: str | Path = "tabletop",
        *,
        dtype: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
        calibrated: bool = True,
        zoom: bool | None = None,
        both_ways: bool | None = None,
    ) -> Grounder:
        """An embedded name, a local folder in the published layout, or a hub id.

        dtype: auto is float32 on a CPU and bfloat16 elsewhere. threads: CPU threads of the whole process.
        calibrated: use the folder's calibration.json; one for other weights is set aside with a warning.
        zoom, both_ways: as in `Profile`; None leaves it to the model's own. A calibration was fitted for the latter.
        UnknownModelError, CheckpointError (naming the tensors), InvalidArgumentError.
        """
        if threads is not None:
            if threads < 1:
                raise InvalidArgumentError(f"threads {threads} must be at least 1")
            torch.set_num_threads(threads)
        check_device(device)
        folder = locate(model)
        tokenizer, profile = load_tokenizer(folder), Profile.read(folder)
        asked = {"zoom": zoom, "both_ways": both_ways}
        profile = replace(profile, **{name: value for name, value in asked.items() if value is not None})
        check_tokenizer(tokenizer, read_config(folder))
        calibration, warnings = load_calibration(folder) if calibrated else (None, ())
        loaded = load_model(folder, dtype=_dtype(dtype, device), device=device)
        return cls(loaded, tokenizer, name=str(model), profile=profile, calibration=calibration, warnings=warnings)

    def view(self, image: Picture, *, stamp_ns: int | None = None, frame_id: str = "camera_optical_frame") -> View:
        """Look at a picture: PIL, or (H, W, 3) uint8 RGB. InvalidImageError when it is neither."""
        rgb = as_rgb_array(image)
        height, width = rgb.shape[:2]
        frame = Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id)
        return View(self, frame, encode_frame(self.model, self.processor, rgb), rgb)


class View:
    """One picture, encoded. Every method continues the same image prefix and leaves it as it is."""

    def __init__(self, grounder: Grounder, frame: Frame, encoded: EncodedFrame, rgb: NDArray[np.uint8]) -> None:
        self.grounder = grounder
        self.frame = frame
        self.encoded = encoded
        self._rgb = rgb
        self._mirrored: EncodedFrame | None = None

    def find(self, phrase: str, *, zoom: bool | None = None) -> Grounding:
        """Where is the thing that `phrase` names? InvalidPhraseError for no phrase or one over 256 characters.

        zoom: look again at a small thing through a crop; None leaves it to the model's profile.
        """
        return self.find_all([phrase], zoom=zoom)[0]

    def find_all(self, phrases: Sequence[str], *, zoom: bool | None = None) -> list[Grounding]:
        """One answer per phrase, all in one pass over the shared prefix, with the things that they lean on."""
        if not 1 <= len(phrases) <= MAX_PHRASES:
            raise InvalidArgumentError(f"{len(phrases)} phrases; valid: 1 to {MAX_PHRASES} at a time")
        clock = Stopwatch(self.grounder.model.device)
        claims = [parse(phrase).clauses for phrase in phrases]
        anchors = list(dict.fromkeys(claim.anchor for some in claims for claim in some))
        calibration = self.grounder.calibration
        features = CHEAP_FEATURES if calibration is None else calibration.features
        evidence = self.evidence([*phrases, *anchors], features, zoom=zoom, clock=clock)
        timings = {**self.encoded.timings_ms, **clock.laps_ms}
        found = [self._grounding(*pair, timings) for pair in zip([*phrases, *anchors], evidence, strict=True)]
        leaned_on = dict(zip(anchors, found[len(phrases) :], strict=True))
        return [check_claims(answer, some, leaned_on) for answer, some in zip(found, claims, strict=False)]

    def evidence(
        self,
        phrases: Sequence[str],
        features: Collection[Feature] = CHEAP_FEATURES,
        *,
        zoom: bool | None = None,
        clock: Stopwatch | None = None,
    ) -> list[Evidence]:
        """What the answers to `phrases` rest on, before they are judged; `kosmos-agent calibrate` fits on it."""
        grounder = self.grounder
        zooms = grounder.profile.zoom if zoom is None else zoom
        size = (self.frame.width, self.frame.height)
        looks = Looks(
            grounder.model,
            grounder.tokenizer,
            self.encoded,
            size,
            self._mirror_image,
            self._part,
            grounder.profile.both_ways,
            grounder.zoom if zooms else None,
        )
        return gather(looks, phrases, features, grounder.decision, clock or Stopwatch(grounder.model.device))

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

    def describe(self, box: Box, *, should_stop: StopCallback | None = None) -> GroundedText:
        """What is in the box? The whole text links to it."""
        return self.describe_all([box], should_stop=should_stop)[0]

    def describe_all(self, boxes: Sequence[Box], *, should_stop: StopCallback | None = None) -> list[GroundedText]:
        """`describe` for each box, all written in step."""
        texts = [prompts.expression_generation(box) for box in boxes]
        written = self._write(texts, Decoding(max_new_tokens=48), should_stop, whole=False)
        return [_linked(text, box) for text, box in zip(written, boxes, strict=True)]

    def caption(self, style: CaptionStyle = "brief", *, should_stop: StopCallback | None = None) -> GroundedText:
        """What is in the picture? `brief` or `detailed`, the things linked to their boxes."""
        if style not in ("brief", "detailed"):
            raise InvalidArgumentError(f"caption style {style!r}; valid: brief, detailed")
        if style == "detailed" and not self.grounder.profile.detailed_captions:
            raise InvalidArgumentError(f"{self.grounder.name} writes brief captions only; valid style: brief")
        prompt = prompts.BRIEF_CAPTION if style == "brief" else prompts.DETAILED_CAPTION
        return self._write([prompt], Decoding(max_new_tokens=128), should_stop, whole=style == "brief")[0]

    def answer(self, question: str, *, should_stop: StopCallback | None = None) -> GroundedText:
        """An answer to a question about the picture. InvalidPhraseError as for `find`."""
        return self.answer_all([question], should_stop=should_stop)[0]

    def answer_all(self, questions: Sequence[str], *, should_stop: StopCallback | None = None) -> list[GroundedText]:
        """`answer` for each question, all written in step."""
        ask = prompts.grounded_question if self.grounder.profile.grounded_answers else prompts.plain_question
        texts = [ask(question) for question in questions]
        return self._write(texts, Decoding(max_new_tokens=64), should_stop, whole=False)

    def _grounding(self, phrase: str, evidence: Evidence, timings_ms: dict[str, float]) -> Grounding:
        grounder = self.grounder
        rules = AnswerRules(grounder.decision, grounder.calibration)
        answer = rules.answer(phrase, evidence, frame=self.frame, model=grounder.name, timings_ms=timings_ms)
        return with_unknown_words(answer, grounder.tokenizer.spelled(phrase))

    def _mirror_image(self) -> EncodedFrame:
        """Read once, when a feature asks for it."""
        if self._mirrored is None:
            rgb = np.ascontiguousarray(self._rgb[:, ::-1])
            self._mirrored = encode_frame(self.grounder.model, self.grounder.processor, rgb)
        return self._mirrored

    def _part(self, window: Window, mirrored: bool) -> EncodedFrame:
        seen = window.crop(self._rgb)
        rgb = np.ascontiguousarray(seen[:, ::-1]) if mirrored else seen
        return encode_frame(self.grounder.model, self.grounder.processor, rgb)

    def _write(
        self, texts: Sequence[str], decoding: Decoding, should_stop: StopCallback | None, *, whole: bool
    ) -> list[GroundedText]:
        """One text behind each prompt. `whole` keeps the prompt's words. CancelledError when `should_stop` said so."""
        if not 1 <= len(texts) <= MAX_PHRASES:
            raise InvalidArgumentError(f"{len(texts)} texts to write; valid: 1 to {MAX_PHRASES} at a time")
        clock = Stopwatch(self.grounder.model.device)
        model, tokenizer = self.grounder.model, self.grounder.tokenizer
        ids = [tokenizer.encode_words(text) for text in texts]
        read = continue_frame(model, self.encoded, ids, decoding.max_new_tokens)
        clock.lap("read")
        written = generate(model, tokenizer, read, decoding, should_stop)
        clock.lap("write")
        if any(row.reason == "stopped" for row in written):
            raise CancelledError(f"stopped after {max(len(row.ids) for row in written)} tokens, as asked")
        timings = {**self.encoded.timings_ms, **clock.laps_ms}
        return [
            from_tagged(tokenizer.decode([*prompt, *row.ids] if whole else row.ids), tokenizer.grid_side).model_copy(
                update={
                    "log_probability": sum(row.log_probabilities),
                    "frame": self.frame,
                    "model": self.grounder.name,
                    "timings_ms": timings,
                }
            )
            for prompt, row in zip(ids, written, strict=True)
        ]


def _linked(text: GroundedText, box: Box) -> GroundedText:
    words = text.text
    entities = (Entity(text=words, start=0, end=len(words), boxes=(box,)),) if words else ()
    return text.model_copy(update={"entities": entities})


def _dtype(name: str, device: str) -> torch.dtype:
    if name == "auto":
        return torch.float32 if device == "cpu" else torch.bfloat16
    if name not in DTYPES:
        raise InvalidArgumentError(f"dtype {name!r}; valid: auto, {', '.join(DTYPES)}")
    return DTYPES[name]
