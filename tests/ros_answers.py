"""Answers, targets and pick reports of every kind, for properties of messages."""

from typing import get_args

from hypothesis import strategies as st

from kosmos_agent.results import Box, Candidate, Clause, Entity, Frame, GroundedText, Grounding, Target3D
from kosmos_agent.robot.pick import PickReport, PickStatus, PickStep
from kosmos_agent.robot.planner import MotionOutcome

unit = st.floats(0, 1)
metres = st.floats(-10, 10)
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
stamps_ns = st.one_of(st.none(), st.integers(1, 2**31 * 10**9 - 1))
sides = st.integers(1, 4000)


@st.composite
def boxes(draw):
    x1, y1 = draw(st.floats(0, 0.9)), draw(st.floats(0, 0.9))
    return Box(x1=x1, y1=y1, x2=draw(st.floats(x1 + 0.01, 1)), y2=draw(st.floats(y1 + 0.01, 1)))


frames = st.builds(Frame, width=sides, height=sides, stamp_ns=stamps_ns, frame_id=words)
timings = st.dictionaries(words, st.floats(0, 1e6), max_size=3)


@st.composite
def clauses(draw):
    anchor_box = draw(st.one_of(st.none(), boxes()))
    return Clause(
        words=draw(words),
        relation=draw(st.sampled_from(["left of", "right of", "behind", "in front of", "next to", "on", "nearest to"])),
        anchor=draw(words),
        anchor_box=anchor_box,
        state=draw(st.sampled_from(["holds", "fails", "unsure"])),
        geometry=draw(st.sampled_from(["picture", "metres"])),
    )


groundings = st.builds(
    Grounding,
    phrase=words,
    status=st.sampled_from(["found", "ambiguous", "not_found", "cannot_tell"]),
    count=st.sampled_from(["one", "many"]),
    question=st.one_of(st.none(), words.filter(bool)),
    candidates=st.lists(st.builds(Candidate, box=boxes(), probability=unit), max_size=3).map(tuple),
    presence=unit,
    probability_kind=st.sampled_from(["joint", "calibrated"]),
    clauses=st.lists(clauses(), max_size=2).map(tuple),
    frame=frames,
    model=words,
    timings_ms=timings,
    unknown_words=st.lists(words, max_size=2).map(tuple),
    called=st.one_of(st.none(), words.filter(bool)),
)
texts = st.builds(
    GroundedText,
    text=words,
    entities=st.lists(
        st.builds(
            Entity, text=words, start=st.integers(0, 9), end=st.integers(9, 20),
            boxes=st.lists(boxes(), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    log_probability=st.one_of(st.none(), st.floats(-100, 0)),
    frame=frames,
    model=words,
    timings_ms=timings,
)  # fmt: skip
targets = st.builds(
    Target3D,
    phrase=words,
    frame_id=words,
    stamp_ns=stamps_ns,
    position_m=st.tuples(metres, metres, metres),
    size_m=st.tuples(unit, unit, unit),
    yaw_rad=st.floats(-1.5, 1.5),
    extent_m=st.tuples(unit, unit),
    covariance_m2=st.tuples(*[metres] * 9),
    support_height_m=metres,
    points=st.integers(0, 10**6),
    box=boxes(),
    probability=unit,
)
steps = st.builds(
    PickStep,
    name=st.sampled_from(["look", "ground", "locate", "pick"]),
    look=st.integers(1, 9),
    duration_ms=st.floats(0, 1e6),
)


@st.composite
def pick_reports(draw):
    """As `pick_by_phrase` makes them: with an outcome exactly after a motion."""
    status = draw(st.sampled_from(get_args(PickStatus)))
    message, outcome = draw(words), None
    failures = st.sampled_from(["nothing_held", "slipped", "blocked", "timeout", "cancelled"])
    answer = draw(groundings)
    if status in ("picked", "not_picked"):
        outcome = MotionOutcome(
            succeeded=status == "picked",
            phase=draw(st.sampled_from(["approach", "descend", "grasp", "lift"])),
            reason="done" if status == "picked" else draw(failures),
            message=message,
            duration_s=draw(st.integers(0, 10**6)) / 1000,
        )
    return PickReport(
        phrase=answer.phrase,
        status=status,
        message=message,
        answer=answer,
        target=draw(st.one_of(st.none(), targets)),
        outcome=outcome,
        steps=tuple(draw(st.lists(steps, max_size=3))),
    )
