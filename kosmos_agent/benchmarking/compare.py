"""Both sides in one process, in turn: speed, the same answers, floors, starts and memory, a busy neighbour."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from PIL import Image

from kosmos_agent import prompts
from kosmos_agent.benchmarking.answers import AnswerCheck, Answers, Questions, our_answers, their_answers
from kosmos_agent.benchmarking.breakdown import Breakdown, break_down
from kosmos_agent.benchmarking.crowd import CrowdRow, measure_crowd
from kosmos_agent.benchmarking.lone import LoneChoice, LoneFigures, measure_lone
from kosmos_agent.benchmarking.machine import FLOAT_GEMMS, Limits, describe_machine, measure_limits
from kosmos_agent.benchmarking.ours import Ours, Variant
from kosmos_agent.benchmarking.report import Comparison, ModelFigures, noisy_names, ratios_of
from kosmos_agent.benchmarking.rounds import Call, Plan, Progress, time_in_turn
from kosmos_agent.benchmarking.stages import StageFigures, stage_figures, torch_model
from kosmos_agent.benchmarking.throughput import Rate, measure_throughput
from kosmos_agent.benchmarking.timing import Timing
from kosmos_agent.benchmarking.transformers_side import CarefulUse, PlainUse, TransformersSide, with_weights_of
from kosmos_agent.benchmarking.works import CAPTION_TOKENS, PHRASES, WORKS, Contender
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference import agreement
from kosmos_agent.inference.generate import Written
from kosmos_agent.inference.int8_model import INT8
from kosmos_agent.model.checkpoint import read_config
from kosmos_agent.model.config import ClipVisionConfig
from kosmos_agent.model.folder import locate
from kosmos_agent.model.int8_kernels import exact_kernels
from kosmos_agent.model.skeleton import skeleton
from kosmos_agent.precision import AUTO, FLOATS, LARGE
from kosmos_agent.profile import Profile
from kosmos_agent.runtime.choosing import OPENVINO, TORCH

PARTS = ("answers", "works", "limits", "stages", "lone", "beside", "breakdown", "throughput")
_LARGE_CHECK = (2, 16)
"""Phrases and tokens of a caption: seconds each on both sides."""
EXACT = Variant("float32")


@dataclass(frozen=True)
class Scope:
    """What to compare. dtypes: of ours; None for all that suit the model. parts: of `PARTS`, which to measure; None for
    all that suit the device.

    beside: neighbours that keep a processor busy each, at most.
    """

    model: str = "tabletop"
    dtypes: tuple[str, ...] | None = None
    device: str = "cpu"
    parts: tuple[str, ...] | None = None
    beside: int = 0

    def __post_init__(self) -> None:
        unknown = set(self.wanted) - set(PARTS)
        if unknown:
            raise InvalidArgumentError(f"parts {', '.join(sorted(unknown))}; valid: {', '.join(PARTS)}")

    @property
    def wanted(self) -> tuple[str, ...]:
        """Throughput is a GPU's question: one frame fills a CPU."""
        if self.parts is not None:
            return self.parts
        return PARTS if torch.device(self.device).type == "cuda" else PARTS[:-1]

    @property
    def usual_type(self) -> str:
        """That a user has who asks for none, or the first of those to compare."""
        return AUTO if self.dtypes is None else self.dtypes[0]


@dataclass(frozen=True)
class _Reference:
    """samples: what `inference.agreement` asks, answered by ours in float32."""

    questions: Questions
    theirs: Answers
    ours: Answers
    samples: agreement.Answers


class ComparisonRun:
    """One comparison; `report` measures it."""

    def __init__(self, scope: Scope, plan: Plan, picture: Image.Image, progress: Progress = lambda words: None) -> None:
        self.scope, self.plan, self.picture, self.progress = scope, plan, picture, progress
        self.folder = locate(scope.model)
        self.config = read_config(self.folder)
        self.parameters = sum(value.numel() for value in skeleton(self.config).parameters())
        self.caption_tokens: dict[str, int] = {}
        self.caption_guessed: dict[str, int] = {}
        torch.set_num_threads(plan.threads)

    @property
    def large(self) -> bool:
        """Whether float32 is left out: on such models it is slower than bfloat16 on both sides, in twice the memory."""
        return self.parameters >= LARGE

    def report(self) -> Comparison:
        """With the names of all figures that lacked calm samples."""
        parts = self.scope.wanted
        reference = self._reference() if "answers" in parts else None
        ours, theirs = self._ours(), self._theirs()
        works = self._works([*theirs, *ours, *self._as_shipped()]) if "works" in parts else {}
        limits = measure_limits(self.plan) if {"limits", "stages"} & set(parts) else None
        found = Comparison(
            machine=describe_machine(self.scope.device),
            model=self._model_figures(ours[0].grounder),
            wanted_samples=self.plan.wanted,
            works=works,
            caption_tokens=self.caption_tokens,
            caption_guessed=self.caption_guessed,
            ratios=ratios_of(works, _baselines(theirs), [side.name for side in ours]),
            answers={} if reference is None else self._answers(ours, reference),
            limits=limits,
            stages=self._stages(ours, limits) if "stages" in parts and limits is not None else {},
            beside=self._beside(ours, theirs) if self.scope.beside and "beside" in parts else [],
            breakdown=self._breakdown() if "breakdown" in parts and not self.large else None,
            throughput=self._throughput([*theirs, *ours]) if "throughput" in parts else {},
        )
        del ours, theirs
        gc.collect()
        found = found.model_copy(update={"lone": self._lone() if "lone" in parts else {}})
        return found.model_copy(update={"noisy": noisy_names(found)})

    def variants(self) -> tuple[Variant, ...]:
        """Of ours, each with one look at a picture."""
        if self.scope.dtypes is not None:
            return tuple(map(Variant, self.scope.dtypes))
        device = torch.device(self.scope.device)
        wanted = [Variant("bfloat16")] if self.large else [Variant("float32"), Variant("bfloat16")]
        wanted += [Variant(INT8)] if exact_kernels(device.type) else []
        exported = device.type == "cpu" and not self.large and importlib.util.find_spec("openvino") is not None
        return (*wanted, *([Variant("auto", OPENVINO)] if exported else []))

    def their_types(self) -> tuple[str, ...]:
        """Of ours, those that transformers has; bfloat16 where it has none."""
        ours = dict.fromkeys(variant.dtype for variant in self.variants())
        return tuple(name for name in ours if name in FLOAT_GEMMS) or ("bfloat16",)

    def _ours(self) -> list[Ours]:
        sides = []
        for variant in self.variants():
            self.progress(f"opening {variant.name}")
            sides.append(self._load(variant))
        return sides

    def _as_shipped(self) -> list[Ours]:
        """Only where the model's profile asks for more than one look; named by the number type that it came to."""
        if Profile.read(self.folder).single_look:
            return []
        side = self._load(Variant(self.scope.usual_type, as_shipped=True))
        return [replace(side, variant=replace(side.variant, dtype=side.grounder.precision))]

    def _load(self, variant: Variant) -> Ours:
        scope = self.scope
        side = Ours.load(scope.model, variant, scope.device, self.plan.threads, self.progress)
        side.settle()
        return side

    def _theirs(self) -> list[PlainUse | CarefulUse]:
        sides: list[PlainUse | CarefulUse] = []
        for dtype in self.their_types():
            self.progress(f"opening transformers {dtype}")
            side = TransformersSide.load(self.folder, FLOATS[dtype], self.scope.device)
            sides += [PlainUse(side, f"transformers {dtype}"), CarefulUse(side, f"transformers {dtype}, careful")]
        return sides

    def _works(self, contenders: Sequence[Contender]) -> dict[str, dict[str, Timing]]:
        calls = {side.name: side.calls(self.picture) for side in contenders}
        timings: dict[str, dict[str, Timing]] = {}
        for work, words in WORKS.items():
            doing = {name: its[work] for name, its in calls.items() if work in its}
            if work == "caption":
                doing = {name: partial(self._counted, name, call) for name, call in doing.items()}
            timings[work] = time_in_turn(doing, self.plan, partial(self._tell, words))
        return timings

    def _counted(self, name: str, caption: Call) -> None:
        written = caption()
        if isinstance(written, Written):
            self.caption_guessed[name] = written.guessed
            written = written.ids
        if isinstance(written, list):
            self.caption_tokens[name] = len(written)

    def _tell(self, work: str, words: str) -> None:
        self.progress(f"{work}: {words}")

    def _reference(self) -> _Reference:
        """Theirs in float32, where rounding does not decide, and ours on the very same tensors."""
        self.progress("answers in float32")
        phrases, tokens = _LARGE_CHECK if self.large else (len(PHRASES), CAPTION_TOKENS)
        questions = Questions(self.picture, PHRASES[:phrases], tokens)
        exact = self._load(EXACT)
        theirs = TransformersSide(with_weights_of(torch_model(exact.grounder)), exact.grounder.processor)
        samples = agreement.sample_answers(exact.grounder.model, exact.grounder.processor)
        mine = our_answers(exact.grounder, questions)
        found = _Reference(questions, their_answers(theirs, questions), mine, samples)
        del exact, theirs
        gc.collect()
        return found

    def _answers(self, ours: Sequence[Ours], reference: _Reference) -> dict[str, AnswerCheck]:
        checks = {EXACT.name: AnswerCheck.of(reference.ours, reference.theirs)}
        for side in ours:
            if side.variant != EXACT:
                mine, grounder = our_answers(side.grounder, reference.questions), side.grounder
                samples = agreement.sample_answers(grounder.model, grounder.processor, reference.samples.first)
                near = agreement.compare(reference.samples, samples)
                checks[side.name] = AnswerCheck.of(mine, reference.theirs, near)
        return checks

    def _stages(self, ours: Sequence[Ours], limits: Limits) -> dict[str, dict[str, StageFigures]]:
        figures = {}
        for side in ours:
            kind = side.variant.dtype
            if side.variant.runtime == TORCH and kind in limits.gemm_gops:
                figures[kind] = stage_figures(side.grounder, limits, kind, self.plan, self.progress)
        return figures

    def _beside(self, ours: Sequence[Ours], theirs: Sequence[Contender]) -> list[CrowdRow]:
        """The first of ours; of a large model the quickest to run, and nobody else: this takes long enough."""
        with_torch = [side for side in ours if side.variant.runtime == TORCH]
        sides: list[Contender] = [with_torch[-1]] if self.large else [theirs[0], with_torch[0]]
        calls: dict[str, Call] = {side.name: side.calls(self.picture)["ready_1"] for side in sides}
        return measure_crowd(calls, self.scope.beside, self.plan, progress=self.progress)

    def _breakdown(self) -> Breakdown:
        self.progress("where the milliseconds are")
        return break_down(self._load(Variant(self.scope.usual_type)).grounder, self.picture)

    def _throughput(self, sides: Sequence[Contender]) -> dict[str, dict[str, Rate]]:
        chosen = [side for side in sides if isinstance(side, (Ours, CarefulUse))]
        return measure_throughput(chosen, self.picture, self.plan, self.progress)

    def _lone(self) -> dict[str, LoneFigures]:
        plan = self.plan
        base = LoneChoice("lone_ours", str(self.folder), "", self.scope.device, plan.threads)
        choices = {
            variant.name: replace(base, dtype=variant.dtype, runtime=variant.runtime) for variant in self.variants()
        }
        for dtype in self.their_types():
            choices[f"transformers {dtype}"] = replace(base, program="lone_transformers", dtype=dtype)
        return measure_lone(choices, plan, self.progress)

    def _model_figures(self, grounder: Grounder) -> ModelFigures:
        words = grounder.tokenizer.encode_words(prompts.phrase_grounding(PHRASES[0]))
        return ModelFigures(
            name=self.scope.model if self.scope.model == self.folder.name else self.folder.name,
            parameters=self.parameters,
            tower="published" if isinstance(self.config.vision, ClipVisionConfig) else "convolutional",
            prompt_tokens=1 + len(grounder.processor.image_row.ids) + len(words),
        )


def _baselines(theirs: Sequence[PlainUse | CarefulUse]) -> dict[str, list[str]]:
    """By the way of use, whatever the number type."""
    plain = [side.name for side in theirs if isinstance(side, PlainUse)]
    careful = [side.name for side in theirs if isinstance(side, CarefulUse)]
    return {"transformers": plain, "transformers, careful": careful}
