"""Settings of a training run."""

from __future__ import annotations

from dataclasses import dataclass

from kosmos_agent.errors import InvalidArgumentError


@dataclass(frozen=True)
class TrainSettings:
    """The learning rate rises over `warmup_steps`, holds, and falls linearly over the last `decay_steps` of `steps`.

    So a run can be lengthened when it is resumed, and shortened by bringing the decay forward.
    `dense_only_steps`: first steps on the dense labels alone, which teach the vision tower at half the cost.
    `helpers_only_steps`: first steps in which the helper heads alone learn; new heads on a trained model would undo it.
    `max_minutes`: stop and save after so much wall-clock time.
    """

    steps: int = 12_000
    batch_size: int = 32
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    decay_steps: int = 2_000
    dense_only_steps: int = 2_000
    helpers_only_steps: int = 0
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    gradient_clip: float = 1.0
    average: float = 0.999
    seed: int = 0
    loader_processes: int = 1
    threads: int = 2
    checkpoint_minutes: float = 4.0
    validate_minutes: float = 10.0
    log_seconds: float = 30.0
    max_minutes: float = float("inf")

    def __post_init__(self) -> None:
        if not 0 < self.batch_size <= 4096:
            raise InvalidArgumentError(f"batch_size {self.batch_size} is outside 1 to 4096")
        if self.steps < 1 or self.decay_steps < 0 or self.warmup_steps < 0:
            raise InvalidArgumentError("steps must be at least 1, warmup_steps and decay_steps at least 0")
        if not 0 <= self.average < 1:
            raise InvalidArgumentError(f"average {self.average} is outside [0, 1)")

    def rate(self, step: int) -> float:
        """Learning rate of `step` (from 0)."""
        rise = min(1.0, (step + 1) / max(1, self.warmup_steps))
        fall = min(1.0, max(0.02, (self.steps - step) / max(1, self.decay_steps)))
        return self.learning_rate * rise * fall
