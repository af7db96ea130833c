"""How Ray is joined: by its address, by what this process has joined already, or started on this machine."""

from __future__ import annotations

import pytest

ray = pytest.importorskip("ray", reason="needs the extra [scale]")

from kosmos_agent import ray_cluster  # noqa: E402
from kosmos_agent.errors import InvalidArgumentError  # noqa: E402


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What Ray would be started with; starting it takes seconds, and the slow tests do."""
    calls: list[dict[str, object]] = []
    monkeypatch.setattr(ray_cluster.ray, "init", lambda **options: calls.append(options))
    monkeypatch.setattr(ray_cluster.ray, "is_initialized", lambda: False)
    monkeypatch.delenv("RAY_USAGE_STATS_ENABLED", raising=False)
    return calls


def test_without_an_address_it_is_a_new_one_whatever_else_runs(started, monkeypatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert ray_cluster.connect(None, 3)
    (options,) = started
    assert (options["address"], options["num_cpus"]) == ("local", 3)
    assert ray_cluster.os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_what_was_joined_already_is_used_and_not_ours(started, monkeypatch) -> None:
    monkeypatch.setattr(ray_cluster.ray, "is_initialized", lambda: True)
    assert not ray_cluster.connect("127.0.0.1:1", 3)
    assert started == []


def test_no_cluster_for_auto_to_find_is_a_coded_error(started, monkeypatch) -> None:
    def nothing(**_: object) -> None:
        raise ConnectionError("could not find any running instance")

    monkeypatch.setattr(ray_cluster.ray, "init", nothing)
    with pytest.raises(InvalidArgumentError, match=r"no Ray cluster at auto .*running instance.*; valid: HOST:PORT"):
        ray_cluster.connect("auto", 3)


def test_an_address_at_which_nothing_answers_is_named_before_ray_waits(started) -> None:
    with pytest.raises(InvalidArgumentError, match=r"no Ray cluster answers at 127\.0\.0\.1:1 "):
        ray_cluster.connect("127.0.0.1:1", 3)
    assert started == []


@pytest.mark.parametrize("error", [ConnectionError("nothing runs here"), RuntimeError("another version")])
def test_a_cluster_that_cannot_be_joined_is_a_coded_error(started, monkeypatch, error) -> None:
    """`auto` names no machine that could be knocked at first."""

    def join(**_: object) -> None:
        raise error

    monkeypatch.setattr(ray_cluster.ray, "init", join)
    with pytest.raises(InvalidArgumentError, match=f"no Ray cluster at auto \\({error}\\); valid: HOST:PORT"):
        ray_cluster.connect("auto", 3)


def test_a_model_on_cuda_wants_a_gpu_and_ray_chooses_which() -> None:
    assert [ray_cluster.gpus_for(device) for device in ("cpu", "cuda")] == [0, 1]
    with pytest.raises(InvalidArgumentError, match="cuda:1: Ray chooses the GPU of each process; valid: --device cuda"):
        ray_cluster.gpus_for("cuda:1")


def test_gpus_that_are_not_there_are_not_waited_for(monkeypatch) -> None:
    monkeypatch.setattr(ray_cluster.ray, "cluster_resources", lambda: {"CPU": 8.0, "GPU": 2.0})
    ray_cluster.require_gpus(2)
    with pytest.raises(InvalidArgumentError, match="3 GPUs are asked for and Ray has 2; valid: at most 2"):
        ray_cluster.require_gpus(3)
