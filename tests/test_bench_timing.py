"""Medians over calm samples, and when sampling ends. Time is made up here: nothing depends on the clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.benchmarking import rounds
from kosmos_agent.benchmarking.contention import CpuReading
from kosmos_agent.benchmarking.rounds import Plan, time_in_turn
from kosmos_agent.benchmarking.timing import Sample, summarise

ALLOWED = 0.5
CALM, BUSY = 0.1, 1.5


def test_noisy_samples_do_not_count():
    samples = [Sample(0.010, CALM), Sample(0.900, BUSY), Sample(0.012, CALM), Sample(0.014, CALM)]
    timing = summarise(samples, 3, ALLOWED)
    assert (timing.median_ms, timing.min_ms, timing.max_ms) == pytest.approx((12, 10, 14))
    assert (timing.samples, timing.clean, timing.noisy) == (4, 3, False)
    assert timing.foreign_cores == CALM


def test_too_few_calm_samples_are_said_and_the_calmest_taken():
    samples = [Sample(0.030, 2.0), Sample(0.010, CALM), Sample(0.020, 0.9)]
    timing = summarise(samples, 2, ALLOWED)
    assert (timing.clean, timing.noisy) == (1, True)
    assert timing.median_ms == pytest.approx(15), "of the two in which others did least"


def test_where_nothing_is_known_of_others_samples_count_and_the_report_says_so():
    timing = summarise([Sample(0.01, None), Sample(0.02, None)], 2, ALLOWED)
    assert not timing.noisy
    assert timing.foreign_cores is None


@given(
    st.lists(st.tuples(st.floats(1e-6, 1e3), st.floats(0, 4)), min_size=1, max_size=20),
    st.integers(1, 10),
)
def test_the_median_lies_between_the_ends_and_noise_never_counts_beside_enough_calm(pairs, wanted):
    samples = [Sample(*pair) for pair in pairs]
    timing = summarise(samples, wanted, ALLOWED)
    assert timing.min_ms <= timing.median_ms <= timing.max_ms
    assert timing.noisy == (sum(sample.clean(ALLOWED) for sample in samples) < wanted)
    if not timing.noisy:
        assert timing.max_ms == max(1000 * sample.seconds for sample in samples if sample.clean(ALLOWED))


class Machine:
    """A clock that only our calls move, and others who are busy whenever `noise` says so of a sample's number."""

    def __init__(self, monkeypatch, noise=lambda number: False):
        self.now_s = self.ours_s = self.busy_s = 0.0
        self.noise, self.readings, self.order = noise, 0, []
        monkeypatch.setattr(rounds, "read_cpu", self.read)
        monkeypatch.setattr(rounds.time, "perf_counter", lambda: self.now_s)

    def read(self, neighbours=()):
        self.readings += 1
        return CpuReading(self.now_s, self.ours_s, self.busy_s)

    def call(self, name, seconds):
        def work():
            self.order.append(name)
            self.now_s += seconds
            self.ours_s += seconds
            self.busy_s += seconds * (3 if self.noise(self.readings // 2) else 1)

        return work


@pytest.fixture
def plan(monkeypatch):
    monkeypatch.setattr(rounds.os, "cpu_count", lambda: 2)
    return Plan(threads=2, wanted=3, sample_s=0)


def test_sides_take_turns(monkeypatch, plan):
    machine = Machine(monkeypatch)
    time_in_turn({"a": machine.call("a", 1.0), "b": machine.call("b", 2.0)}, plan)
    assert machine.order == ["a", "b", *["a", "b"] * 3], "each warms up once"


def test_quick_calls_are_repeated_until_a_sample_is_long_enough_to_be_judged(monkeypatch, plan):
    machine = Machine(monkeypatch)
    timing = time_in_turn({"a": machine.call("a", 0.01)}, Plan(threads=2, wanted=2, sample_s=0.1))["a"]
    assert machine.order.count("a") == 2 + 2 * 10
    assert timing.median_ms == pytest.approx(10), "of one call"


def test_sampling_goes_on_until_enough_are_calm(monkeypatch, plan):
    machine = Machine(monkeypatch, noise=lambda number: number in (1, 3))
    timing = time_in_turn({"a": machine.call("a", 1.0)}, plan)["a"]
    assert (timing.samples, timing.clean, timing.noisy) == (5, 3, False)


def test_patience_ends(monkeypatch, plan):
    machine = Machine(monkeypatch, noise=lambda number: True)
    timing = time_in_turn({"a": machine.call("a", 1.0)}, plan)["a"]
    assert (timing.samples, timing.clean, timing.noisy) == (plan.wanted * plan.patience, 0, True)


def test_a_budget_ends_the_wait_for_calm_but_never_before_the_wanted_samples(monkeypatch):
    monkeypatch.setattr(rounds.os, "cpu_count", lambda: 2)
    machine = Machine(monkeypatch, noise=lambda number: True)
    hasty = Plan(threads=2, wanted=3, patience=10, sample_s=0, budget_s=0.5)
    assert time_in_turn({"a": machine.call("a", 1.0)}, hasty)["a"].samples == 3


def test_whoever_has_enough_does_not_wait_with_the_others(monkeypatch, plan):
    machine = Machine(monkeypatch)
    machine.noise = lambda number: machine.order[-1:] == ["b"]
    timings = time_in_turn({"a": machine.call("a", 1.0), "b": machine.call("b", 1.0)}, plan)
    assert timings["a"].samples + timings["b"].samples < 2 * plan.wanted * plan.patience
    assert not timings["a"].noisy
