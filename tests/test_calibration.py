"""Applying a calibration: increasing, within [0, 1], the same after a round trip; malformed files are refused."""

import itertools
import json
import math

import pytest
from calibrations import calibration, identity
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.calibration import (
    CHEAP_FEATURES,
    FEATURES,
    MAX_FILE_BYTES,
    Calibration,
    Calibrator,
    FeatureScale,
    logit,
    sigmoid,
)
from kosmos_agent.errors import CheckpointError, InvalidArgumentError

NUMBER = st.floats(-30, 30)
STEP = st.floats(0.01, 5)


@st.composite
def knots(draw):
    steps = draw(st.lists(st.tuples(STEP, STEP), min_size=1, max_size=8))
    start = (draw(NUMBER), draw(NUMBER))
    return tuple(itertools.accumulate(steps, lambda one, step: (one[0] + step[0], one[1] + step[1]), initial=start))


def calibrator(points):
    return Calibrator(
        features={"margin": FeatureScale(mean=1.0, scale=2.0, weight=1.5)}, intercept=0.25, knots=tuple(points)
    )


@given(knots(), NUMBER, NUMBER)
def test_a_larger_score_never_means_a_smaller_probability(points, one, other):
    found = calibrator(points)
    low, high = sorted((found.probability({"margin": one}), found.probability({"margin": other})))
    assert 0 <= low <= high <= 1
    assert (found.probability({"margin": max(one, other)}), found.probability({"margin": min(one, other)})) == (
        high,
        low,
    )


@given(knots(), NUMBER, NUMBER)
def test_no_order_is_lost(points, one, other):
    if abs(one - other) < 1e-6:
        return
    found = calibrator(points)
    assert (found.log_odds(one) < found.log_odds(other)) == (one < other)


@given(knots())
def test_the_map_goes_through_its_knots_and_on_with_slope_one(points):
    found = calibrator(points)
    for score, log_odds in points:
        assert found.log_odds(score) == pytest.approx(log_odds)
    (first, low), (last, high) = points[0], points[-1]
    assert found.log_odds(first - 3) == pytest.approx(low - 3)
    assert found.log_odds(last + 3) == pytest.approx(high + 3)


@given(st.dictionaries(st.sampled_from(FEATURES), st.tuples(NUMBER, STEP, NUMBER), min_size=1), st.data())
def test_the_score_is_a_weighted_sum_and_asks_only_for_its_own_features(parts, data):
    scales = {name: FeatureScale(mean=mean, scale=scale, weight=w) for name, (mean, scale, w) in parts.items()}
    found = Calibrator(features=scales, intercept=0.5, knots=((0.0, 0.0),))
    values = {name: data.draw(NUMBER) for name in parts}
    expected = 0.5 + sum(w * (values[name] - mean) / scale for name, (mean, scale, w) in parts.items())
    assert found.score(values) == pytest.approx(expected, abs=1e-6)


def test_missing_and_broken_features_are_named():
    for features in ({}, {"margin": math.nan}, {"margin": math.inf}):
        with pytest.raises(InvalidArgumentError, match="margin"):
            calibrator([(0.0, 0.0)]).probability(features)


@given(st.floats(1e-5, 1 - 1e-5))
def test_log_odds_and_back(probability):
    assert sigmoid(logit(probability)) == pytest.approx(probability, rel=1e-6)
    assert identity("margin").probability({"margin": logit(probability)}) == pytest.approx(probability, rel=1e-6)


def test_far_ends_do_not_overflow():
    assert (sigmoid(-1e6), sigmoid(1e6)) == (0.0, 1.0)
    assert -15 < logit(0.0) < -13 < 13 < logit(1.0) < 15


@given(knots(), st.floats(0, 0.5), st.floats(0.5, 1))
def test_a_round_trip_through_json_changes_nothing(points, low, high):
    made = calibration(not_found_below=low, found_from=high).model_copy(update={"presence": calibrator(points)})
    assert Calibration.model_validate_json(made.model_dump_json()) == made


def test_the_file_comes_back_and_names_its_features_in_order(tmp_path):
    made = calibration()
    made.write(tmp_path / "calibration.json")
    assert Calibration.read(tmp_path / "calibration.json") == made
    assert made.features == ("object_log_odds", "location_log_odds")
    assert set(CHEAP_FEATURES) < set(FEATURES)


def broken(**changes):
    return json.dumps({**json.loads(calibration().model_dump_json()), **changes})


PRESENCE = json.loads(calibration().presence.model_dump_json())
LINES = json.loads(calibration().thresholds.model_dump_json())


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("not json", "the whole"),
        ("[" * 100_000, "the whole"),
        ("[]", "the whole"),
        ("{}", "weights_sha256"),
        (broken(version=2), "version"),
        (broken(weights_sha256="../../x"), "weights_sha256"),
        (broken(surprise=1), "surprise"),
        (broken(presence={**PRESENCE, "features": {"colour_of_the_sky": {"mean": 0, "scale": 1, "weight": 1}}}), "sky"),
        (broken(presence={**PRESENCE, "features": {"margin": {"mean": 0, "scale": 0, "weight": 1}}}), "scale"),
        (broken(presence={**PRESENCE, "intercept": math.nan}), "the whole|intercept"),
        (broken(presence={**PRESENCE, "intercept": "high"}), "intercept"),
        (broken(presence={**PRESENCE, "knots": []}), "knots"),
        (broken(presence={**PRESENCE, "knots": [[0, 0], [0, 1]]}), "must increase"),
        (broken(presence={**PRESENCE, "knots": [[0, 1], [1, 0]]}), "must increase"),
        (broken(thresholds={**LINES, "found_from": 1.5}), "found_from"),
        (broken(thresholds={**LINES, "not_found_below": 0.9}), "must not be above"),
        (" " * (MAX_FILE_BYTES + 1), "over"),
    ],
)
def test_malformed_files_are_refused_by_name(tmp_path, content, part):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(CheckpointError, match=part) as caught:
        Calibration.read(path)
    assert "calibration.json" in str(caught.value)


def test_what_cannot_be_read_or_written_is_said(tmp_path):
    with pytest.raises(CheckpointError, match="cannot read"):
        Calibration.read(tmp_path / "none.json")
    (tmp_path / "latin.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(CheckpointError, match="no calibration"):
        Calibration.read(tmp_path / "latin.json")
    with pytest.raises(InvalidArgumentError, match="cannot be written"):
        calibration().write(tmp_path / "no" / "folder.json")
