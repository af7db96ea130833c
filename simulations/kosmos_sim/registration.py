"""Makes `gymnasium.make("kosmos/TableTop-v0")` work; the environment itself is loaded when it is made."""

from __future__ import annotations

from gymnasium.envs.registration import register, registry

ENV_ID = "kosmos/TableTop-v0"


def register_env() -> None:
    """Safe to call again."""
    if ENV_ID not in registry:
        register(id=ENV_ID, entry_point="kosmos_sim.env:TableTopEnv")
