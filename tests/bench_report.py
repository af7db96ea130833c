"""A comparison with figures of every kind, for tests of what is made from one."""

from kosmos_agent.benchmarking.answers import AnswerCheck
from kosmos_agent.benchmarking.breakdown import Breakdown, Operation, Part
from kosmos_agent.benchmarking.crowd import CrowdRow
from kosmos_agent.benchmarking.lone import LoneFigures
from kosmos_agent.benchmarking.machine import Limits, Machine
from kosmos_agent.benchmarking.report import Comparison, ModelFigures, noisy_names, ratios_of
from kosmos_agent.benchmarking.stages import STAGES, StageFigures
from kosmos_agent.benchmarking.throughput import Rate
from kosmos_agent.benchmarking.timing import Sample, summarise
from kosmos_agent.benchmarking.works import WORKS

OURS, THEIRS = "kosmos-agent float32", "transformers float32"
CAREFUL = "transformers float32, careful"
CALM, BUSY = 0.0, 1.5


def timing(milliseconds, foreign_cores=CALM):
    return summarise([Sample(milliseconds / 1000, foreign_cores)], 1, 0.2)


def comparison(noise=CALM):
    """noise: of our samples of eight phrases."""
    works = {work: {THEIRS: timing(1200), OURS: timing(100)} for work in WORKS}
    works["new_8"] = {THEIRS: timing(9600), CAREFUL: timing(2400), OURS: timing(800, noise)}
    stage = StageFigures(
        tokens=7,
        giga_operations=1.5,
        megabytes=20.0,
        floor_ms=5.0,
        bound="reading",
        timing=timing(10),
        reached=0.5,
    )
    found = Comparison(
        machine=Machine(
            processor="a processor",
            cpus=2,
            threads=2,
            memory_gib=8,
            device="cpu",
            python="3.11",
            torch="2",
            kosmos_agent="0",
        ),
        model=ModelFigures(name="tiny", parameters=1_000_000, tower="published", prompt_tokens=73),
        wanted_samples=1,
        works=works,
        caption_tokens={OURS: 64, THEIRS: 64},
        caption_guessed={OURS: 21},
        ratios=ratios_of(works, {"transformers": [THEIRS], "transformers, careful": [CAREFUL]}, [OURS]),
        answers={
            OURS: AnswerCheck(
                phrases=8,
                boxes_alike=8,
                caption_tokens=12,
                caption_alike=11,
                presence_changes=0.0123,
                corners_move=0.0004,
            )
        },
        limits=Limits(gemm_gops={"float32": 100.0}, read_gb_s=10.0, timings={"float32": timing(1)}),
        stages={"float32": dict.fromkeys(STAGES, stage)},
        lone={OURS: LoneFigures(first_answer=timing(2500), load_ms=500, peak_mib=1800.0)},
        throughput={"frames/s, 8 in a batch": {OURS: Rate(items=8, timing=timing(40))}},
        beside=[CrowdRow(threads=1, neighbours=0, timings={OURS: timing(10)})],
        breakdown=Breakdown(
            frames=20,
            phrases=8,
            total_ms=20.0,
            parts=[Part(stage="vision", part="tower", milliseconds=12.0)],
            operations=[Operation(name="aten::mm", calls=7, share=0.25)],
            precision="bfloat16",
        ),
    )
    return found.model_copy(update={"noisy": noisy_names(found)})
