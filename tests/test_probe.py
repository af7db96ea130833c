"""Which number types a machine computes well, judged from timings that are given."""

from types import SimpleNamespace

import pytest
import torch

from kosmos_agent.model import probe


@pytest.mark.parametrize(
    ("float32", "bfloat16", "int8", "expected"),
    [
        (2.0, 3.0, 1.0, ("int8", "float32")),
        (2.0, 1.0, 3.0, ("bfloat16", "float32")),
        (2.0, 1.0, 0.9, ("int8", "bfloat16", "float32")),
        (2.0, 0.9, 1.0, ("int8", "bfloat16", "float32")),
        (2.0, 0.5, 1.0, ("bfloat16", "int8", "float32")),
        (1.0, 0.9, 0.9, ("float32",)),
        (1.0, 9.0, 9.0, ("float32",)),
    ],
)
def test_a_type_is_preferred_where_it_is_clearly_faster(float32, bfloat16, int8, expected):
    assert probe.ranked({"float32": float32, "bfloat16": bfloat16, "int8": int8}) == expected


def test_machines_without_exact_8_bit_products_have_no_int8():
    assert probe.ranked({"float32": 2.0, "bfloat16": 1.0}) == ("bfloat16", "float32")


class Machine:
    """A clock that the products themselves advance; a neighbour takes a second of all but a few calls."""

    def __init__(self, calm_every):
        self.now_s, self.calls, self.order, self.calm_every = 0.0, 0, [], calm_every

    def product(self, name, seconds):
        def call():
            self.calls += 1
            self.order.append(name)
            self.now_s += seconds + (self.calls % self.calm_every != 0)

        return call


def test_a_neighbour_that_takes_most_rounds_changes_nothing():
    machine = Machine(calm_every=7)
    products = {name: machine.product(name, seconds) for name, seconds in (("float32", 0.002), ("bfloat16", 0.001))}
    times_s = probe.least_s(products, clock=lambda: machine.now_s)
    assert times_s == {"float32": pytest.approx(0.002), "bfloat16": pytest.approx(0.001)}
    assert machine.order[:4] == ["float32", "bfloat16"] * 2, "in turn"


def test_the_probe_runs_at_one_thread_and_leaves_the_number_as_it_was(monkeypatch):
    before, seen = torch.get_num_threads(), []
    torch.set_num_threads(2)
    products = {"float32": lambda: seen.append(torch.get_num_threads())}
    monkeypatch.setattr(probe, "_products", lambda: products)
    try:
        assert probe.types_by_speed.__wrapped__() == ("float32",)
        assert (set(seen), torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)


def test_the_probe_itself_runs():
    assert probe.types_by_speed()[-1] == "float32"


@pytest.mark.parametrize(("major", "expected"), [(7, False), (9, True)])
def test_a_gpu_that_emulates_bfloat16_does_not_count(monkeypatch, major, expected):
    monkeypatch.setattr(torch.cuda, "device", lambda device: torch.no_grad())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(major=major))
    assert probe.computes_bfloat16("cuda:0") is expected


def test_a_device_of_another_kind_is_not_said_to_have_it():
    assert not probe.computes_bfloat16("meta")
    assert probe.computes_bfloat16("cpu") == probe.has_native_bfloat16()
