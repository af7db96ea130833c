"""The promise behind every closed-loop figure: a place that is known is a thing that is lifted."""

import pytest
from kosmos_sim.oracle import summary, trials


@pytest.mark.slow
def test_the_oracle_lifts_95_of_100():
    report = summary(list(trials(100)))
    assert report["picked"] >= 95, report["failures"]
