"""Records what one camera sees while the arm moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kosmos_sim.motion import CONTROL_PERIOD_S
from kosmos_sim.world import Tabletop
from PIL import Image

from kosmos_agent.drawing import film_frame, write_film, write_strip
from kosmos_agent.results import Grounding
from kosmos_agent.robot.planner import Phase

_SIZE_PX = (400, 300)
_FPS = 10
_STILL_S = 1.2


class Film:
    """Frames at `_FPS` of simulated time, what the arm is doing written below each."""

    def __init__(self, world: Tabletop, camera: str) -> None:
        self._world, self._camera = world, camera
        self._frames: list[Image.Image] = []
        self._shots: list[tuple[str, Image.Image]] = []
        self._steps = 0
        self._phase: Phase | None = None

    def begin(self, phase: Phase) -> None:
        """What the arm does from now on; the moment at which it has closed its fingers goes into the strip."""
        self._phase = phase
        if phase == "lift":
            self._shots.append(("grasp", self._picture()))

    @contextmanager
    def rolling(self) -> Iterator[None]:
        """Records while inside, from the first phase on."""
        self._world.driver.hooks.append(self._advance)
        try:
            yield
        finally:
            self._world.driver.hooks.remove(self._advance)

    def write(self, out: Path, before: Image.Image, answer: Grounding, after: Image.Image, picked: bool) -> list[str]:
        """film.webp and strip.png in `out`, from the answer to the verdict; gives their paths."""
        said = f"{answer.phrase}: {answer.status.replace('_', ' ')}"
        if answer.candidates:
            said += f", {100 * answer.best.probability:.0f} %"
        verdict = f"picked: {str(picked).lower()}"
        first, last = (picture.resize(_SIZE_PX, Image.Resampling.LANCZOS) for picture in (before, after))
        still = [film_frame(first, said, answer)] * round(_STILL_S * _FPS)
        film, strip = out / "film.webp", out / "strip.png"
        write_film([*still, *self._frames, film_frame(last, verdict)], film, fps=_FPS)
        write_strip([(said, film_frame(before, "", answer)), *self._shots, (verdict, after)], strip)
        return [str(film), str(strip)]

    def _advance(self) -> None:
        self._steps += 1
        if self._phase is not None and self._steps % round(1 / (_FPS * CONTROL_PERIOD_S)) == 0:
            self._frames.append(film_frame(self._picture(), self._phase))

    def _picture(self) -> Image.Image:
        return Image.fromarray(self._world.observe(self._camera, *_SIZE_PX, depth_noise=False).rgb)
