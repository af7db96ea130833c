"""How often the arm lifts a thing whose place is known: the ceiling for every closed-loop figure.

python -m kosmos_sim.oracle --layouts 100 --json
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import mujoco
import numpy as np

from kosmos_agent.errors import InvalidArgumentError, PlanningError
from kosmos_agent.results import Target3D
from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.setting import GAP_M
from kosmos_sim.sight import sighted_target
from kosmos_sim.world import VISIBLE_SHARE, Tabletop


@dataclass(frozen=True)
class Trial:
    """One layout. reason: how the planner says it ended. seconds: simulated."""

    seed: int
    category: str
    colour: str
    objects: int
    picked: bool
    moved_wrong_object: bool
    reason: str
    lift_m: float
    seconds: float


def trials(
    layouts: int,
    first_seed: int = 0,
    categories: Sequence[str] = GRASPABLE,
    error_m: float = 0.0,
    camera: str | None = None,
    *,
    visible_share: float = VISIBLE_SHARE,
    gap_m: float = GAP_M,
) -> Iterator[Trial]:
    """Layout k asks for category k modulo their number; see `trial` for the rest."""
    unknown = sorted(set(categories) - set(GRASPABLE))
    if unknown:
        raise InvalidArgumentError(f"not graspable: {', '.join(unknown)}; valid: {', '.join(GRASPABLE)}")
    for index in range(layouts):
        category = categories[index % len(categories)]
        yield trial(first_seed + index, category, error_m, camera, visible_share=visible_share, gap_m=gap_m)


def trial(
    seed: int,
    category: str,
    error_m: float = 0.0,
    camera: str | None = None,
    *,
    visible_share: float = VISIBLE_SHARE,
    gap_m: float = GAP_M,
) -> Trial:
    """Lays a table, picks at the known place and asks the judge.

    error_m: Gaussian error on each axis of that place, half of it in z. camera: not the true place, but what this
    camera's measured depth says of it inside the true box. visible_share, gap_m: see `Tabletop.random`.
    """
    with Tabletop.random(seed, (category, None), visible_share=visible_share, gap_m=gap_m) as world:
        target = world.truth()[0].as_target() if camera is None else sighted_target(world, camera)
        if error_m:
            target = _disturbed(target, np.random.default_rng([seed, 1]), error_m)
        try:
            outcome = world.planner.pick(target)
            reason, seconds = str(outcome.reason), outcome.duration_s
        except PlanningError as error:
            reason, seconds = f"planning: {error}", 0.0
        verdict = world.judge.verdict(world.target.name)
        return Trial(
            seed=seed,
            category=category,
            colour=world.target.colour,
            objects=len(world.items),
            picked=verdict.picked,
            moved_wrong_object=verdict.moved_wrong_object,
            reason=reason,
            lift_m=round(verdict.lift_m, 4),
            seconds=round(seconds, 2),
        )


def _disturbed(target: Target3D, rng: np.random.Generator, error_m: float) -> Target3D:
    x, y, z = np.asarray(target.position_m) + rng.normal(0.0, error_m, 3) * (1.0, 1.0, 0.5)
    return target.model_copy(update={"position_m": (float(x), float(y), float(z))})


def summary(results: Sequence[Trial]) -> dict[str, object]:
    by_category: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        by_category[result.category].append(result.picked)
    return {
        "mujoco": mujoco.__version__,
        "layouts": len(results),
        "picked": sum(result.picked for result in results),
        "moved_wrong_object": sum(result.moved_wrong_object for result in results),
        "by_category": {word: f"{sum(picked)}/{len(picked)}" for word, picked in sorted(by_category.items())},
        "failures": [asdict(result) for result in results if not result.picked],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m kosmos_sim.oracle", description=__doc__)
    parser.add_argument("--layouts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the first layout; the others count up")
    parser.add_argument("--categories", nargs="*", default=list(GRASPABLE))
    parser.add_argument("--error-mm", type=float, default=0.0, help="Gaussian error on the known place")
    parser.add_argument("--camera", help="find the place from the true box in this camera and its measured depth")
    parser.add_argument(
        "--visible-share", type=float, default=VISIBLE_SHARE, help="of the target: at least this is free"
    )
    parser.add_argument("--gap-mm", type=float, default=GAP_M * 1000, help="between any two things, at least")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    options = parser.parse_args(arguments)
    results = []
    for result in trials(
        options.layouts,
        options.seed,
        options.categories,
        options.error_mm / 1000,
        options.camera,
        visible_share=options.visible_share,
        gap_m=options.gap_mm / 1000,
    ):
        results.append(result)
        if not options.json:
            print(result, flush=True)
    print(json.dumps(summary(results), indent=None if options.json else 2))


if __name__ == "__main__":
    main()
