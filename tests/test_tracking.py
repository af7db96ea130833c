"""Stable numbers for targets, and when they end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.results import Box, Target3D
from kosmos_agent.robot.tracking import TargetTracker

SECOND = 1_000_000_000


def target(x, y=0.0, *, phrase="the cup", sigma=0.003, frame_id="base"):
    return Target3D(
        phrase=phrase,
        frame_id=frame_id,
        stamp_ns=None,
        position_m=(x, y, 0.05),
        size_m=(0.07, 0.07, 0.1),
        yaw_rad=0.0,
        extent_m=(0.07, 0.07),
        covariance_m2=tuple(float(value) for value in (sigma**2 * np.eye(3)).ravel()),
        support_height_m=0.0,
        points=500,
        box=Box(x1=0.1, y1=0.1, x2=0.2, y2=0.2),
        probability=0.9,
    )


def numbers(tracker):
    return {round(track.target.position_m[0], 2): track.track_id for track in tracker.tracks}


@given(st.integers(0, 2**31), st.permutations(range(4)))
@settings(max_examples=30, deadline=None)
def test_numbers_stay_with_their_things_in_any_order(seed, order):
    rng = np.random.default_rng(seed)
    places = [0.0, 0.15, 0.3, 0.45]
    tracker = TargetTracker()
    tracker.update([target(x) for x in places], 0)
    before = numbers(tracker)
    for step in range(1, 6):
        seen = [target(places[index] + rng.normal(scale=0.002)) for index in order]
        assert tracker.update(seen, step * SECOND // 10) == ()
    assert {track.track_id for track in tracker.tracks} == set(before.values())
    for track in tracker.tracks:
        assert before[min(before, key=lambda x: abs(x - track.target.position_m[0]))] == track.track_id
        assert track.sightings == 6


def test_repeated_sightings_shrink_the_covariance_towards_the_mean():
    rng = np.random.default_rng(0)
    tracker = TargetTracker(drift_m_per_sqrt_s=0.0)
    seen = 0.3 + rng.normal(scale=0.003, size=50)
    for step, x in enumerate(seen):
        tracker.update([target(x)], step * SECOND)
    (track,) = tracker.tracks
    assert track.target.position_m[0] == pytest.approx(seen.mean(), abs=1e-9)
    covariance = np.reshape(track.target.covariance_m2, (3, 3))
    np.testing.assert_allclose(covariance, 0.003**2 / 50 * np.eye(3), rtol=1e-6, atol=1e-15)


def test_unseen_time_adds_uncertainty():
    tracker = TargetTracker(drift_m_per_sqrt_s=0.01)
    tracker.update([target(0.0)], 0)
    tracker.update([], 4 * SECOND)
    (track,) = tracker.tracks
    assert track.target.covariance_m2[0] == pytest.approx(0.003**2 + 4 * 0.01**2)
    assert track.misses == 1


def test_loss_is_an_event_after_the_stated_misses_and_numbers_are_not_reused():
    tracker = TargetTracker(max_misses=2)
    (appeared,) = tracker.update([target(0.0)], 0)
    assert (appeared.kind, appeared.track.track_id) == ("appeared", 1)
    assert tracker.update([], 1) == ()
    assert tracker.update([], 2) == ()
    (lost,) = tracker.update([], 3)
    assert (lost.kind, lost.track.track_id, lost.stamp_ns) == ("lost", 1, 3)
    assert tracker.tracks == ()
    (again,) = tracker.update([target(0.0)], 4)
    assert again.track.track_id == 2


def test_a_sighting_forgives_earlier_misses():
    tracker = TargetTracker(max_misses=1)
    tracker.update([target(0.0)], 0)
    for step in range(1, 10):
        events = tracker.update([target(0.0)] if step % 2 else [], step)
        assert events == ()


def test_phrases_that_were_not_looked_for_are_not_missed():
    tracker = TargetTracker(max_misses=0)
    tracker.update([target(0.0), target(0.3, phrase="the plate")], 0)
    (lost,) = tracker.update([], 1, looked_for=["The  Plate"])
    assert lost.track.target.phrase == "the plate"
    assert [track.target.phrase for track in tracker.tracks] == ["the cup"]


def test_the_phrase_keeps_near_things_apart():
    tracker = TargetTracker()
    tracker.update([target(0.0)], 0)
    (event,) = tracker.update([target(0.001, phrase="the plate")], 1)
    assert event.kind == "appeared"
    assert len(tracker.tracks) == 2


def test_a_jump_is_a_new_thing_however_uncertain():
    tracker = TargetTracker(max_jump_m=0.10)
    tracker.update([target(0.0, sigma=0.5)], 0)
    (event,) = tracker.update([target(0.11, sigma=0.5)], 1)
    assert event.kind == "appeared"
    assert tracker.update([target(0.09, sigma=0.5)], 2) == ()


def test_the_nearer_of_two_gets_the_track():
    tracker = TargetTracker()
    tracker.update([target(0.0, sigma=0.01)], 0)
    (event,) = tracker.update([target(0.02, sigma=0.01), target(0.005, sigma=0.01)], 1)
    assert event.track.target.position_m[0] == pytest.approx(0.02)


def test_going_back_in_time_and_other_frames_are_refused():
    tracker = TargetTracker()
    tracker.update([target(0.0)], 10)
    with pytest.raises(InvalidArgumentError, match="before the last one"):
        tracker.update([target(0.0)], 9)
    with pytest.raises(InvalidArgumentError, match=r"'map'.*'base'"):
        tracker.update([target(0.0, frame_id="map")], 11)
    with pytest.raises(InvalidArgumentError, match="jump above 0"):
        TargetTracker(max_jump_m=0.0)
