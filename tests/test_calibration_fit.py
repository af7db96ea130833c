"""Fitting a calibration on answers whose frequencies are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.calibration import Calibration, sigmoid
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation import calibration_fit as fit
from kosmos_agent.evaluation.calibration_samples import Sample
from kosmos_agent.evaluation.calibration_scores import ece

FEATURES = ("object_log_odds", "location_log_odds")


def samples(count=1500, seed=0, sharp=1.0, shift=0.0, per_picture=5):
    """The feature is the true log-odds of presence; the model itself says `sharp` times that, plus `shift`."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        true, place = rng.normal(1.5, 2.0), rng.normal(1.0, 1.5)
        present = rng.random() < sigmoid(true)
        correct = bool(present and rng.random() < sigmoid(place))
        said = sigmoid(sharp * true + shift)
        features = dict(zip(FEATURES, (sharp * true + shift, place), strict=True))
        made.append(Sample(index // per_picture, features, said, said * sigmoid(place), bool(present), correct))
    return made


def fitted(items, **rule):
    return fit.fit_calibration(items, weights_sha256="a" * 64, data="drawn", features=FEATURES, rule=fit.Rule(**rule))


def test_what_is_calibrated_already_stays_as_it_is():
    found = fitted(samples(6000))
    for log_odds in np.linspace(-2, 5, 15):
        features = {"object_log_odds": float(log_odds), "location_log_odds": 0.0}
        assert found.presence.probability(features) == pytest.approx(sigmoid(log_odds), abs=0.05)


@pytest.mark.parametrize(("sharp", "shift"), [(3.0, 0.0), (0.3, 0.0), (1.0, 3.0), (1.0, -3.0)])
def test_wrong_probabilities_are_put_right_on_answers_not_seen(sharp, shift):
    found, fresh = fitted(samples(3000, sharp=sharp, shift=shift)), samples(3000, 1, sharp, shift)
    truth = [item.present for item in fresh]
    before = ece([item.presence for item in fresh], truth)
    after = ece([found.presence.probability(item.features) for item in fresh], truth)
    assert after < 0.04
    assert after < before - 0.02
    scores = found.fitted.presence
    assert (scores.ece_before, scores.ece_after) == (pytest.approx(before, abs=0.04), pytest.approx(after, abs=0.03))
    assert scores.auroc_after == pytest.approx(scores.auroc_before, abs=0.01), "one feature: the order stays"


def test_correctness_counts_absent_things_as_wrong_and_beats_the_product():
    found, fresh = fitted(samples(3000)), samples(3000, 1)
    said = [found.correctness.probability(item.features) for item in fresh]
    truth = [item.correct for item in fresh]
    assert np.mean(said) == pytest.approx(np.mean(truth), abs=0.03)
    assert ece(said, truth) < 0.04


@settings(max_examples=25)
@given(st.integers(60, 400), st.integers(0, 1000), st.integers(1, 3))
def test_knots_always_make_a_map_that_increases(count, seed, decimals):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 2, count).round(decimals)
    knots = np.array(fit.fit_knots(scores, rng.random(count) < 0.3 + 0.4 * (scores > 0)))
    assert np.isfinite(knots).all()
    assert (np.diff(knots, axis=0) > 0).all()
    assert scores.min() <= knots[0, 0] <= knots[-1, 0] <= scores.max()


@pytest.mark.parametrize("truth", [True, False])
def test_an_outcome_that_never_varies_is_a_constant(truth):
    items = samples(200)
    found = fit.fit_calibrator(items, FEATURES, lambda sample: truth)
    said = {round(found.probability(item.features), 9) for item in items}
    assert len(said) == 1
    assert (said.pop() > 0.99) == truth


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 0.9))
def test_the_lines_keep_to_the_rule(seed, max_false_found, max_missed, min_probability):
    rng = np.random.default_rng(seed)
    present = rng.random(300) < 0.7
    presence = np.where(present, rng.beta(4, 2, 300), rng.beta(2, 4, 300)).round(2)
    correctness = presence * rng.random(300)
    rule = fit.Rule(max_false_found, max_missed, min_probability)
    lines = fit.choose_thresholds(presence, correctness, present, rule)
    found = (presence >= lines.found_from) & (correctness >= min_probability)
    assert found[~present].mean() <= max_false_found
    assert (presence[present] < lines.not_found_below).mean() <= max_missed
    assert lines.not_found_below <= lines.found_from


def test_the_report_says_what_the_rule_gave():
    found = fitted(samples(3000), max_false_found=0.05, max_missed=0.01)
    report = found.fitted
    assert report.false_found <= 0.05
    assert report.missed <= 0.01
    assert (report.n, report.n_pictures) == (3000, 600)
    assert report.n_absent == sum(not item.present for item in samples(3000))
    assert Calibration.model_validate_json(found.model_dump_json()) == found


def test_the_same_samples_give_the_same_file():
    assert fitted(samples(600)) == fitted(samples(600))


def test_no_picture_is_judged_by_a_fit_that_saw_it(monkeypatch):
    items, seen = samples(300), []
    original = fit.fit_calibrator

    def watched(train, features, outcome):
        seen.append({item.picture for item in train})
        return original(train, features, outcome)

    monkeypatch.setattr(fit, "fit_calibrator", watched)
    fit.held_out_probabilities(items, FEATURES, lambda sample: sample.present)
    pictures = {item.picture for item in items}
    assert len(seen) == fit.FOLDS
    held_out = [pictures - train for train in seen]
    assert sorted(picture for fold in held_out for picture in fold) == sorted(pictures)


@pytest.mark.parametrize(
    "items",
    [
        samples(30),
        [item for item in samples() if item.present],
        samples(300, per_picture=100),
    ],
)
def test_too_few_answers_are_refused(items):
    with pytest.raises(InvalidArgumentError, match="at least 20 of each, in 5 pictures"):
        fitted(items)


@pytest.mark.parametrize("rule", [{"max_false_found": 1.0}, {"max_missed": -0.1}, {"min_probability": 2.0}])
def test_a_rule_outside_its_range_is_refused(rule):
    with pytest.raises(InvalidArgumentError, match=next(iter(rule))):
        fit.Rule(**rule)
