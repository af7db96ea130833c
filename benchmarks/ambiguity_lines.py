"""Where to draw the lines of "is it the only one?" (`inference/ambiguity.py`), on validation scenes: a Markdown table.

python benchmarks/ambiguity_lines.py --scenes 150

Of each scene up to three phrases are asked that one thing fits, and up to three that two or three fit, all showing
well. Of those answered `found` without the check: how many would be asked about at which lines.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import torch
from kosmos_sim.either import heads_of_several
from kosmos_sim.expressions.geometry import Geometry, measure
from kosmos_sim.expressions.text import Head, head_words, varied
from kosmos_sim.records import SceneRecord
from kosmos_sim.splits import VALIDATION
from kosmos_sim.stream import scene_records
from rich.console import Console
from rich.progress import track

from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.candidates import apart
from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.looks import Looks
from kosmos_agent.inference.rivals import rivals_of
from kosmos_agent.inference.second_opinion import opinions
from kosmos_agent.results import Candidate, Status

WRITTEN = (0.1, 0.2, 0.3, 0.4, 0.5)
BORNE_OUT = (-2.0, -1.0, -0.5, -0.3)
PHRASES = 3


@dataclass(frozen=True)
class Asked:
    """several: whether more than one thing fits. others: probability of a box behind the plural, and opinion on it."""

    several: bool
    status: Status
    others: tuple[tuple[float, float], ...] = ()

    def is_doubted(self, written_from: float, borne_out_from: float) -> bool:
        return any(p >= written_from and opinion >= borne_out_from for p, opinion in self.others)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="tabletop")
    parser.add_argument("--scenes", type=int, default=150)
    parser.add_argument("--first", type=int, default=0, help="scenes before this one are passed over")
    options = parser.parse_args()
    torch.set_num_threads(1)
    grounder = Grounder.load(options.model)
    grounder.profile = replace(grounder.profile, second_opinion=False)
    records = scene_records(VALIDATION.seed, options.scenes)
    console = Console(stderr=True)
    asked = [
        item
        for record in track(records, "scenes", total=options.scenes, console=console)
        if record.index >= options.first
        for item in asked_of(grounder, record)
    ]
    print_table(asked)


def asked_of(grounder: Grounder, record: SceneRecord) -> Iterator[Asked]:
    scene, rng = measure(record.objects, record.T_table_camera), Random(record.index)
    several = heads_of_several(scene)
    chosen = [(head, False) for head in _sample(heads_of_one(scene), rng)]
    chosen += [(head, True) for head in _sample([head for head, _ in several], rng)]
    view = grounder.view(record.rgb)
    looks = view._looks(True)
    for head, is_several in chosen:
        phrase = varied(head_words(head, rng), rng, indefinite=False)
        answer = view.find(phrase)
        if answer.status != "found":
            yield Asked(is_several, answer.status)
            continue
        name = parse(phrase).plain_head
        parts = grounder.model, grounder.tokenizer, view.encoded, grounder.decision
        others = apart(rivals_of(*parts, [name])[name], [answer.best.box])
        yield Asked(is_several, answer.status, _judged(looks, grounder, others, name))


def heads_of_one(scene: Geometry) -> list[Head]:
    return [
        head
        for head, members in scene.heads.items()
        if head != (None, None) and len(members) == 1 and scene.eligible[members[0]]
    ]


def _sample(heads: list[Head], rng: Random) -> list[Head]:
    return rng.sample(heads, min(PHRASES, len(heads)))


def _judged(looks: Looks, grounder: Grounder, others: list[Candidate], name: str) -> tuple[tuple[float, float], ...]:
    if not others:
        return ()
    told = opinions(looks, grounder.zoom, [item.box for item in others], [name] * len(others))
    return tuple((item.probability, opinion.log_probability) for item, opinion in zip(others, told, strict=True))


def print_table(asked: list[Asked]) -> None:
    found: dict[bool, list[Asked]] = {}
    for several, words in ((True, "several fit"), (False, "one fits")):
        all_such = [item for item in asked if item.several == several]
        found[several] = [item for item in all_such if item.status == "found"]
        ambiguous = sum(item.status == "ambiguous" for item in all_such)
        print(
            f"{words}: {len(all_such)}, of these ambiguous without the check {ambiguous}, found {len(found[several])}"
        )
    print("\n| written from | borne out from | asked: several fit | asked: one fits |\n| --- | --- | --- | --- |")
    for written_from in WRITTEN:
        for borne_out_from in BORNE_OUT:
            lines = written_from, borne_out_from
            right, needless = (sum(item.is_doubted(*lines) for item in found[several]) for several in (True, False))
            print(f"| {written_from} | {borne_out_from} | {right} | {needless} |")


if __name__ == "__main__":
    main()
