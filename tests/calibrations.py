"""Calibrations made by hand, for tests."""

from kosmos_agent.calibration import Calibration, Calibrator, FeatureScale, FitReport, FitScores, Thresholds

SCORES = FitScores(auroc_before=0.8, auroc_after=0.9, ece_before=0.2, ece_after=0.05)
REPORT = FitReport(
    data="by hand",
    n_pictures=50,
    n=400,
    n_absent=50,
    presence=SCORES,
    correctness=SCORES,
    found=0.9,
    false_found=0.02,
    missed=0.01,
)


def identity(name):
    """The feature itself as log-odds."""
    return Calibrator(features={name: FeatureScale(mean=0, scale=1, weight=1)}, intercept=0, knots=((0.0, 0.0),))


def calibration(weights_sha256="0" * 64, not_found_below=0.2, found_from=0.6, min_probability=0.5):
    """Presence is the probability of `<object>`, correctness that of the best box once it is open."""
    return Calibration(
        weights_sha256=weights_sha256,
        presence=identity("object_log_odds"),
        correctness=identity("location_log_odds"),
        thresholds=Thresholds(
            not_found_below=not_found_below,
            found_from=found_from,
            min_probability=min_probability,
            max_missed=0.02,
            max_false_found=0.02,
        ),
        fitted=REPORT,
    )
