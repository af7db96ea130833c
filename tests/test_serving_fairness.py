"""Deficit round robin: equal shares for whoever wants more than his, all of what is left for the others."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.serving.fairness import DeficitRoundRobin


def served(prices, quantum, total):
    """name -> what was done for him, out of `total`; everybody always wants a thing of his own price."""
    ring = DeficitRoundRobin(quantum)
    for name in prices:
        ring.join(name)
    done = Counter()
    while sum(done.values()) < total:
        name, due = ring.peek(prices.get)
        ring.pay(name, due)
        done[name] += due
    return done


@given(st.lists(st.integers(1, 64), min_size=2, max_size=6), st.integers(1, 16))
def test_nobody_gets_more_for_asking_for_more_at_a_time(prices, quantum):
    done = served({str(k): price for k, price in enumerate(prices)}, quantum, total=4000)
    share = sum(done.values()) / len(prices)
    assert all(abs(amount - share) <= 2 * (max(prices) + quantum) for amount in done.values())


def test_what_one_does_not_want_goes_to_the_others():
    ring = DeficitRoundRobin(4)
    ring.join("idle")
    ring.join("busy")
    for _ in range(100):
        assert ring.peek({"busy": 1}.get) == ("busy", 1)
        ring.pay("busy", 1)
    assert ring.peek({}.get) is None


def test_idleness_saves_up_no_claims():
    """Who was away for long is not served alone when he comes back."""
    ring = DeficitRoundRobin(2)
    ring.join("a")
    ring.join("b")
    for _ in range(50):
        name, due = ring.peek({"a": 1}.get)
        ring.pay(name, due)
    ring.join("b")
    turns = []
    for _ in range(20):
        name, due = ring.peek({"a": 1, "b": 1}.get)
        ring.pay(name, due)
        turns.append(name)
    assert abs(turns.count("a") - turns.count("b")) <= 2


def test_looking_who_is_next_changes_nothing():
    ring = DeficitRoundRobin(3)
    for name in "abc":
        ring.join(name)
        ring.join(name)
    first = ring.peek({"a": 5, "b": 5, "c": 5}.get)
    assert ring.peek({"a": 5, "b": 5, "c": 5}.get) == first
