"""Films of an arm that moves: what one camera sees, put together frame by frame."""

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
_STILL_S = 1.2
_MAX_FRAMES = 3000
FPS = 10


class Reel:
    """Frames at `FPS`, what the arm is doing written below each, and the moments that go into the strip."""

    def __init__(self) -> None:
        self._frames: list[Image.Image] = []
        self._shots: list[tuple[str, Image.Image]] = []
        self._phase: Phase | None = None

    @property
    def rolling_now(self) -> bool:
        """The arm moves."""
        return self._phase is not None

    def begin(self, phase: Phase, picture: Image.Image) -> None:
        """What the arm does from now on; the moment at which it has closed its fingers goes into the strip."""
        self._phase = phase
        if phase == "lift":
            self._shots.append(("grasp", small(picture)))

    def add(self, picture: Image.Image) -> None:
        """The next frame; nothing before the first phase."""
        if self._phase is not None and len(self._frames) < _MAX_FRAMES:
            self._frames.append(film_frame(small(picture), self._phase))

    def write(
        self, out: Path, before: Image.Image, answer: Grounding | None, after: Image.Image, picked: bool
    ) -> list[str]:
        """film.webp and strip.png in `out`, from the answer to the verdict; gives their paths."""
        said = _said(answer)
        verdict = f"picked: {str(picked).lower()}"
        still = [film_frame(small(before), said, answer)] * round(_STILL_S * FPS)
        film, strip = out / "film.webp", out / "strip.png"
        write_film([*still, *self._frames, film_frame(small(after), verdict)], film, fps=FPS)
        write_strip([(said, film_frame(before, "", answer)), *self._shots, (verdict, after)], strip)
        return [str(film), str(strip)]


class Film(Reel):
    """What a camera of our own simulated world sees, at `FPS` of simulated time."""

    def __init__(self, world: Tabletop, camera: str) -> None:
        super().__init__()
        self._world, self._camera, self._steps = world, camera, 0

    def begin_phase(self, phase: Phase) -> None:
        self.begin(phase, self._picture())

    @contextmanager
    def rolling(self) -> Iterator[None]:
        """Records while inside, from the first phase on."""
        self._world.driver.hooks.append(self._advance)
        try:
            yield
        finally:
            self._world.driver.hooks.remove(self._advance)

    def _advance(self) -> None:
        self._steps += 1
        if self.rolling_now and self._steps % round(1 / (FPS * CONTROL_PERIOD_S)) == 0:
            self.add(self._picture())

    def _picture(self) -> Image.Image:
        return Image.fromarray(self._world.observe(self._camera, *_SIZE_PX, depth_noise=False).rgb)


def small(picture: Image.Image) -> Image.Image:
    """At the film's size."""
    return picture if picture.size == _SIZE_PX else picture.resize(_SIZE_PX, Image.Resampling.LANCZOS)


def _said(answer: Grounding | None) -> str:
    if answer is None:
        return "no answer"
    said = f"{answer.phrase}: {answer.status.replace('_', ' ')}"
    return f"{said}, {100 * answer.best.probability:.0f} %" if answer.candidates else said
