"""Several pictures at once: read in one pass, and asked in one pass. The answers are those of one picture at a time."""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent import prompts
from kosmos_agent.calibration import CHEAP_FEATURES
from kosmos_agent.grounder import Grounder
from kosmos_agent.images import as_rgb_array, mirror_image
from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.corners_together import score_corners_together
from kosmos_agent.inference.frame import encode_frames
from kosmos_agent.phrases import swap_left_right
from kosmos_agent.processor import Picture
from kosmos_agent.results import Frame, Grounding
from kosmos_agent.view import View

Taken = tuple[Picture, int | None, str]
"""A picture, its stamp_ns and its frame_id."""
Asked = tuple[View, Sequence[str], bool | None]
"""A view, the phrases, and whether to look again at small things (`View.find_all`)."""
_WHOLE_HEAD = {"phrase_log_likelihood", "phrase_lift"}
"""Features that are read with the phrases themselves, a picture at a time."""


def view_together(grounder: Grounder, taken: Sequence[Taken]) -> list[View]:
    """As `Grounder.view` of each, with their mirror images where the model looks at those. InvalidImageError."""
    if not taken:
        return []
    rgbs = [as_rgb_array(picture) for picture, _, _ in taken]
    mirrors = [mirror_image(rgb) for rgb in rgbs] if _looks_in_mirrors(grounder) else []
    frames = encode_frames(grounder.model, grounder.processor, [*rgbs, *mirrors])
    views = []
    for place, (rgb, (_, stamp_ns, frame_id)) in enumerate(zip(rgbs, taken, strict=True)):
        height, width = rgb.shape[:2]
        frame = Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id)
        mirrored = frames.row(len(rgbs) + place) if mirrors else None
        views.append(View(grounder, frame, frames.row(place), rgb, mirrored))
    return views


def find_together(asked: Sequence[Asked]) -> list[list[Grounding]]:
    """As `View.find_all` of each; the views are of one grounder. InvalidPhraseError as there."""
    if len(asked) > 1 and _WHOLE_HEAD.isdisjoint(_features(asked[0][0].grounder)):
        _score(asked)
    answers = [view.find_all(phrases, zoom=zoom) for view, phrases, zoom in asked]
    for view, _, _ in asked:
        view.known.clear()
    return answers


def _score(asked: Sequence[Asked]) -> None:
    """Leaves what one pass over all the views says of the phrases, and of the things that they lean on, with them."""
    grounder = asked[0][0].grounder
    wanted: list[tuple[View, bool, list[str]]] = []
    for view, phrases, _ in asked:
        anchors = [clause.anchor for phrase in phrases for clause in parse(phrase).clauses]
        named = list(dict.fromkeys([*phrases, *anchors]))
        wanted.append((view, False, named))
        if _looks_in_mirrors(grounder):
            wanted.append((view, True, [swap_left_right(phrase) for phrase in named]))
    frames = [view.mirror_image() if mirrored else view.encoded for view, mirrored, _ in wanted]
    encode = grounder.tokenizer.encode_words
    ask = {False: prompts.phrase_grounding, True: prompts.reworded_phrase_grounding}
    texts = [[encode(ask[mirrored](phrase)) for phrase in named] for _, mirrored, named in wanted]
    scores = score_corners_together(grounder.model, grounder.tokenizer, frames, texts)
    for (view, mirrored, named), found in zip(wanted, scores, strict=True):
        view.known.update({(mirrored, phrase): score for phrase, score in zip(named, found, strict=True)})


def _looks_in_mirrors(grounder: Grounder) -> bool:
    return grounder.profile.both_ways or "mirror_iou" in _features(grounder)


def _features(grounder: Grounder) -> set[str]:
    return set(CHEAP_FEATURES if grounder.calibration is None else grounder.calibration.features)
