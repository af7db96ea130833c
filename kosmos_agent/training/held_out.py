"""Pictures that only judge: which they are, and that a resumed run still holds out the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kosmos_agent.errors import InvalidArgumentError, InvalidConfigError
from kosmos_agent.training.labels.labelled import BoxedPicture
from kosmos_agent.training.labels.splits import divides
from kosmos_agent.training.scale.run_state import STATE_FOLDER, saved_at
from kosmos_agent.training.sources.source import shuffled

SPLIT_FILE = "split.json"
USUAL_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """Pictures that are trained on, and pictures that only judge. own: the export itself says which."""

    trained: tuple[BoxedPicture, ...]
    held_out: tuple[BoxedPicture, ...]
    own: bool = False


def split(pictures: Sequence[BoxedPicture], share: float | None, seed: int) -> Split:
    """`share` of the pictures is held out, chosen by the seed; none for a share of 0.

    None: as the export divides them, `USUAL_SHARE` where it does not.
    """
    if share is None and divides([picture.part for picture in pictures]):
        judge = tuple(picture for picture in pictures if picture.part == "judge")
        return Split(tuple(picture for picture in pictures if picture.part != "judge"), judge, own=True)
    share = USUAL_SHARE if share is None else share
    count = round(share * len(pictures))
    if not 0 <= share < 1 or count >= len(pictures):
        raise InvalidArgumentError(f"{share} of {len(pictures)} pictures held out leaves none; valid: 0 to below 1")
    order = [pictures[shuffled(place, len(pictures), seed)] for place in range(len(pictures))]
    return Split(tuple(order[count:]), tuple(order[:count]))


def check_split(pictures: Split, run: Path) -> None:
    """InvalidConfigError where the folder holds steps made with other pictures held out: it may have learnt from those.

    Without a saved state there are no steps.
    """
    file, now = run / SPLIT_FILE, _names(pictures)
    if not file.exists() or saved_at(run / STATE_FOLDER) is None:
        return
    before = json.loads(file.read_text())
    if before != now:
        raise InvalidConfigError(
            f"{run} holds a run that held out {len(before['held_out'])} of {sum(map(len, before.values()))} pictures, "
            f"and now {len(now['held_out'])} of {sum(map(len, now.values()))}, or others, would be; valid: the same "
            f"pictures and --held-out as before ({file}), or a new folder"
        )


def record_split(pictures: Split, run: Path) -> None:
    (run / SPLIT_FILE).write_text(json.dumps(_names(pictures), indent=1) + "\n")


def _names(pictures: Split) -> dict[str, list[str]]:
    """Files from the folder that holds all of them: where that lies may change."""
    every = (*pictures.trained, *pictures.held_out)
    parents = [set(picture.path.parents) for picture in every]
    root = max(set.intersection(*parents), key=lambda path: len(path.parts))
    parts = {"trained": pictures.trained, "held_out": pictures.held_out}
    return {name: sorted(str(item.path.relative_to(root)) for item in part) for name, part in parts.items()}
