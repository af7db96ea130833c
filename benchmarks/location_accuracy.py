"""How far located things are from where they truly are: simulated tables, true boxes, measured depth.

python benchmarks/location_accuracy.py --tables 20 --jitter 0.1

Counts things of which at least three quarters show. A round thing's place is its axis; others' is the middle of the
rectangle about them. `nees` is the squared error over its own covariance: 2.4 in the median and 6.3 at nine in ten
for a covariance that is exactly right.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence

import mujoco
import numpy as np
from kosmos_sim.sight import true_box, true_grounding
from kosmos_sim.world import Observation, Tabletop
from numpy.typing import NDArray

from kosmos_agent.errors import NoDepthError, NoTargetError
from kosmos_agent.results import Box, Candidate, Target3D
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.locate import locate

MIN_VISIBLE = 0.75
MIN_PIXELS = 150
HANDLED = ("mug", "pot", "teapot")


def visible_share(world: Tabletop, seen: Observation, name: str) -> float:
    """Pixels of a thing over those it has when nothing stands before it; 0 below `MIN_PIXELS`."""
    height, width = seen.depth_m.shape
    shown = np.count_nonzero(world.owners(seen.camera, width, height) == name)
    if shown < MIN_PIXELS:
        return 0.0
    hidden = [item.name for item in world.items if item.name != name]
    return shown / max(1, alone_pixels(world, seen, hidden, name))


def alone_pixels(world: Tabletop, seen: Observation, others: Sequence[str], name: str) -> int:
    """Moves the other things away for one drawing."""
    saved = world.data.qpos.copy()
    for other in others:
        joint = world.model.body(other).jntadr[0]
        world.data.qpos[world.model.jnt_qposadr[joint] + 2] -= 5.0
    mujoco.mj_kinematics(world.model, world.data)
    height, width = seen.depth_m.shape
    count = int(np.count_nonzero(world.owners(seen.camera, width, height) == name))
    world.data.qpos[:] = saved
    mujoco.mj_kinematics(world.model, world.data)
    return count


def jittered(box: Box, share: float, rng: np.random.Generator) -> Box:
    """Each edge moved by a normal error of `share` of the box's size."""
    sides = np.array([box.x2 - box.x1, box.y2 - box.y1] * 2)
    x1, y1, x2, y2 = np.clip(np.array(box.corners) + share * rng.normal(size=4) * sides, 0, 1)
    return Box(x1=x1, y1=y1, x2=max(x2, x1 + 0.01), y2=max(y2, y1 + 0.01))


def measured(seed: int, camera: str, jitter: float) -> Iterator[dict[str, float | str]]:
    """One record for each thing on a table: errors in millimetres, time in milliseconds."""
    rng = np.random.default_rng([seed, 7])
    with Tabletop.random(seed) as world:
        seen = world.observe(camera)
        lens = Camera.from_matrix(seen.intrinsics, seen.rgb.shape[1], seen.rgb.shape[0])
        for truth in world.truth():
            if visible_share(world, seen, truth.name) < MIN_VISIBLE:
                continue
            try:
                box = jittered(true_box(world, truth.name, seen), jitter, rng)
            except NoTargetError:
                continue
            answer = true_grounding(world, seen).model_copy(
                update={"candidates": (Candidate(box=box, probability=1.0),)}
            )
            start = time.process_time()
            try:
                target = locate(answer, seen.depth_m, lens, seen.T_base_camera)
            except NoDepthError as error:
                yield {"category": truth.category, "failed": str(error)}
                continue
            elapsed_ms = 1000 * (time.process_time() - start)
            yield {"category": truth.category, "ms": elapsed_ms} | errors(target, truth.as_target().position_m)


def errors(target: Target3D, position_m: Sequence[float]) -> dict[str, float | str]:
    error: NDArray[np.float64] = np.subtract(target.position_m, position_m)
    nees = float(error @ np.linalg.solve(np.reshape(target.covariance_m2, (3, 3)), error))
    return {"xy_mm": 1000 * float(np.hypot(error[0], error[1])), "z_mm": 1000 * abs(float(error[2])), "nees": nees}


def summary(records: Sequence[dict[str, float | str]]) -> dict[str, object]:
    good = [record for record in records if "xy_mm" in record]
    result: dict[str, object] = {"things": len(records), "failed": len(records) - len(good)}
    for key in ("xy_mm", "z_mm", "nees", "ms"):
        values = [float(record[key]) for record in good]
        result[key] = {f"p{share}": round(float(np.percentile(values, share)), 2) for share in (50, 75, 90)}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--camera", default="front")
    parser.add_argument("--jitter", type=float, default=0.0, help="error of each box edge, share of the box's size")
    options = parser.parse_args()
    records = [r for seed in range(options.tables) for r in measured(seed, options.camera, options.jitter)]
    plain = [record for record in records if record["category"] not in HANDLED]
    by_category = {
        word: summary([record for record in records if record["category"] == word])
        for word in sorted({str(record["category"]) for record in records})
    }
    print(
        json.dumps({"all": summary(records), "without handles": summary(plain), "by category": by_category}, indent=1)
    )


if __name__ == "__main__":
    main()
