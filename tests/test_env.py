import subprocess
import sys
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from kosmos_sim.env import TableTopEnv
from kosmos_sim.motion import MotionStoppedError
from kosmos_sim.registration import ENV_ID
from kosmos_sim.world import Tabletop

from kosmos_agent.errors import InvalidArgumentError, LayoutError


@pytest.fixture(scope="module")
def env():
    made = gymnasium.make(ENV_ID, width=64, height=48, target=("block", None))
    yield made
    made.close()


def known_grasp(env):
    item = env.unwrapped.world.truth()[0]
    return np.array([*item.middle_m[:2], max(item.middle_m[2], 0.02), item.yaw_rad], dtype=np.float32)


def test_keeps_the_contract_of_gymnasium():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        check_env(TableTopEnv(width=32, height=24, attempts=2, distractors=1), skip_render_check=True)


@pytest.mark.parametrize(
    "line",
    [
        "import kosmos_sim, gymnasium; made = gymnasium.make('kosmos/TableTop-v0')",
        "import gymnasium; made = gymnasium.make('kosmos_sim:kosmos/TableTop-v0')",
        "import gymnasium; made = gymnasium.make('kosmos_sim.env:kosmos/TableTop-v0')",
    ],
)
def test_can_be_made_by_name_in_a_fresh_process(line):
    code = f"{line}; print(type(made.unwrapped).__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["TableTopEnv"]


def test_an_unlucky_layout_is_drawn_again(monkeypatch):
    seeds, table = [], object()

    def always_unlucky(seed, target, distractors):
        raise LayoutError("no room")

    def unlucky_twice(seed, target, distractors):
        seeds.append(seed)
        if len(seeds) < 3:
            raise LayoutError(f"seed {seed}")
        return table

    monkeypatch.setattr(Tabletop, "random", unlucky_twice)
    made = TableTopEnv()
    assert made._lay(None) is table
    assert len(set(seeds)) == 3
    monkeypatch.setattr(Tabletop, "random", always_unlucky)
    with pytest.raises(LayoutError, match="8 seeds in a row"):
        made._lay(None)


def test_an_arm_that_is_always_blocked_ends_the_episode_without_an_error(env):
    env.reset(seed=5)

    def blocked():
        raise MotionStoppedError("blocked", "a wall")

    env.unwrapped.world.driver.hooks.append(blocked)
    _, reward, terminated, truncated, info = env.step(known_grasp(env))
    assert (reward, terminated, truncated, info["outcome"]) == (0.0, False, True, "blocked")


def test_a_good_grasp_succeeds(env):
    observation, info = env.reset(seed=5)
    assert observation["instruction"].startswith("pick up the ")
    assert np.isnan(info["target_error_m"])
    assert not info["success"]
    _, reward, terminated, truncated, info = env.step(known_grasp(env))
    assert info["success"]
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["target_error_m"] < 1e-3
    assert not info["moved_wrong_object"]


def test_misses_use_up_the_attempts(env):
    env.reset(seed=5)
    aside = known_grasp(env)
    aside[0] = 0.79
    aside[1] = 0.44
    for attempt in range(3):
        _, reward, terminated, truncated, info = env.step(aside)
        assert info["outcome"] == "unreachable"
        assert (reward, terminated, truncated) == (0.0, False, attempt == 2)
    assert info["target_error_m"] > 0.1


def test_the_same_seed_gives_the_same_episode(env):
    first, _ = env.reset(seed=8)
    second, _ = env.reset(seed=8)
    third, _ = env.reset(seed=9)
    assert np.array_equal(first["rgb"], second["rgb"])
    assert np.array_equal(first["depth"], second["depth"])
    assert not np.array_equal(first["rgb"], third["rgb"])


def test_the_target_can_be_named_at_reset(env):
    observation, _ = env.reset(seed=1, options={"target": ("mug", "blue")})
    assert observation["instruction"] == "pick up the blue mug"


def test_bad_arguments_are_named():
    with pytest.raises(InvalidArgumentError, match="attempts is 0"):
        TableTopEnv(attempts=0)
    with pytest.raises(InvalidArgumentError, match="render mode"):
        TableTopEnv(render_mode="human")
    with pytest.raises(InvalidArgumentError, match="call reset first"):
        TableTopEnv().step(np.zeros(4, np.float32))
