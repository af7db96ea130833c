"""The public face: a `Grounder` holds a model, a `View` is one picture that it has looked at.

grounder = Grounder.load("tabletop")
view = grounder.view(image)              # the frame is encoded once
answer = view.find("the red cup")        # each question costs only its own few tokens
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import torch

from kosmos_agent import prompts
from kosmos_agent.errors import CancelledError, CheckpointError, InvalidArgumentError
from kosmos_agent.images import as_rgb_array
from kosmos_agent.inference.candidates import Decision, joint_with_presence, merge, status_of
from kosmos_agent.inference.corners import CornerScores, score_corners
from kosmos_agent.inference.devices import check_device
from kosmos_agent.inference.frame import EncodedFrame, Stopwatch, continue_frame, encode_frame
from kosmos_agent.inference.generate import Decoding, StopCallback, generate
from kosmos_agent.inference.several import candidates_of, joined, write_boxes
from kosmos_agent.markup import from_tagged
from kosmos_agent.model.checkpoint import check_tokenizer, load_model, load_tokenizer, read_config, read_json
from kosmos_agent.model.folder import locate
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.processor import Picture, Processor
from kosmos_agent.results import Box, Entity, Frame, GroundedText, Grounding
from kosmos_agent.tokenizer import Tokenizer

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
CaptionStyle = Literal["brief", "detailed"]
MAX_PHRASES = 64
PROFILE_FILE = "profile.json"


@dataclass(frozen=True)
class Profile:
    """How a checkpoint wants to be asked: `profile.json` beside the weights; published habits where there is none."""

    grounded_answers: bool = True
    detailed_captions: bool = True

    @classmethod
    def read(cls, folder: Path) -> Profile:
        path = folder / PROFILE_FILE
        if not path.is_file():
            return cls()
        data = read_json(path)
        known = [item.name for item in fields(cls)]
        if not (data.keys() <= set(known) and all(isinstance(value, bool) for value in data.values())):
            raise CheckpointError(f"{path} is not a profile: {data}; valid: true or false for {', '.join(known)}")
        return cls(**data)


class Grounder:
    """A model ready to look at pictures. Views may be used from several threads."""

    def __init__(
        self,
        model: Kosmos2,
        tokenizer: Tokenizer,
        *,
        name: str,
        profile: Profile | None = None,
        decision: Decision | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.processor = Processor.for_config(tokenizer, model.config)
        self.name = name
        self.profile = profile or Profile()
        self.decision = decision or Decision()

    @classmethod
    def load(
        cls,
        model: str | Path = "tabletop",
        *,
        dtype: str = "auto",
        device: str = "cpu",
        threads: int | None = None,
    ) -> Grounder:
        """An embedded name, a local folder in the published layout, or a hub id.

        dtype: auto is float32 on a CPU and bfloat16 elsewhere. threads: CPU threads of the whole process.
        UnknownModelError, CheckpointError (naming the tensors), InvalidArgumentError.
        """
        if threads is not None:
            if threads < 1:
                raise InvalidArgumentError(f"threads {threads} must be at least 1")
            torch.set_num_threads(threads)
        check_device(device)
        folder = locate(model)
        tokenizer, profile = load_tokenizer(folder), Profile.read(folder)
        check_tokenizer(tokenizer, read_config(folder))
        loaded = load_model(folder, dtype=_dtype(dtype, device), device=device)
        return cls(loaded, tokenizer, name=str(model), profile=profile)

    def view(self, image: Picture, *, stamp_ns: int | None = None, frame_id: str = "camera_optical_frame") -> View:
        """Look at a picture: PIL, or (H, W, 3) uint8 RGB. InvalidImageError when it is neither."""
        rgb = as_rgb_array(image)
        height, width = rgb.shape[:2]
        frame = Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id)
        return View(self, frame, encode_frame(self.model, self.processor, rgb))


class View:
    """One picture, encoded. Every method continues the same image prefix and leaves it as it is."""

    def __init__(self, grounder: Grounder, frame: Frame, encoded: EncodedFrame) -> None:
        self.grounder = grounder
        self.frame = frame
        self.encoded = encoded

    def find(self, phrase: str) -> Grounding:
        """Where is the thing that `phrase` names? InvalidPhraseError for no phrase or one over 256 characters."""
        return self.find_all([phrase])[0]

    def find_all(self, phrases: Sequence[str]) -> list[Grounding]:
        """One answer per phrase, all in one pass over the shared prefix."""
        if not 1 <= len(phrases) <= MAX_PHRASES:
            raise InvalidArgumentError(f"{len(phrases)} phrases; valid: 1 to {MAX_PHRASES} at a time")
        clock = Stopwatch(self.grounder.model.device)
        tokenizer = self.grounder.tokenizer
        texts = [tokenizer.encode_words(prompts.phrase_grounding(phrase)) for phrase in phrases]
        scores = score_corners(self.grounder.model, tokenizer, self.encoded, texts)
        clock.lap("query")
        timings = {**self.encoded.timings_ms, **clock.laps_ms}
        return [self._grounding(phrase, score, timings) for phrase, score in zip(phrases, scores, strict=True)]

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
        return whole.model_copy(update={"timings_ms": {**answer.timings_ms, **clock.laps_ms}})

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

    def _grounding(self, phrase: str, scores: CornerScores, timings_ms: dict[str, float]) -> Grounding:
        decision = self.grounder.decision
        candidates = merge(joint_with_presence(scores), self.grounder.tokenizer.grid_side, decision)
        return Grounding(
            phrase=phrase,
            status=status_of(scores.presence, candidates, decision),
            candidates=candidates,
            presence=min(1.0, scores.presence),
            frame=self.frame,
            model=self.grounder.name,
            timings_ms=timings_ms,
        )

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
