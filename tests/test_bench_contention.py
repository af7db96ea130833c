"""Who else was busy: read from a made-up /proc, and from a real neighbour."""

import os
from pathlib import Path

import pytest

from kosmos_agent.benchmarking.contention import CpuReading, allowed_foreign_cores, foreign_cores, read_cpu
from kosmos_agent.benchmarking.neighbours import busy_neighbours

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def write_proc(proc, ticks, processes=None):
    (proc / "stat").write_text(f"cpu  {' '.join(map(str, ticks))}\ncpu0 1 2 3 4\nintr 9\n")
    for pid, (user, system) in (processes or {}).items():
        (proc / str(pid)).mkdir(exist_ok=True)
        fields = ["S", *["0"] * 10, str(user), str(system), *["0"] * 30]
        (proc / str(pid) / "stat").write_text(f"{pid} (a (strange) name) {' '.join(fields)}\n")


def test_idle_waiting_and_guest_time_are_not_busy_but_stolen_time_is(tmp_path):
    write_proc(tmp_path, [1, 2, 4, 1000, 1000, 8, 16, 32, 1000, 1000])
    assert read_cpu(proc=tmp_path).machine_busy_s == pytest.approx(63 * TICK_S)


def test_known_neighbours_count_as_ours(tmp_path):
    write_proc(tmp_path, [500, 0, 0, 0, 0, 0, 0, 0], {41: (300, 100), 42: (50, 0)})
    alone, beside = read_cpu(proc=tmp_path), read_cpu((41, 42), tmp_path)
    assert beside.ours_s - alone.ours_s == pytest.approx(450 * TICK_S, abs=0.2)


def test_a_process_that_has_ended_counts_nothing(tmp_path):
    write_proc(tmp_path, [500, 0, 0, 0, 0, 0, 0, 0])
    assert read_cpu((43,), tmp_path).ours_s == pytest.approx(read_cpu(proc=tmp_path).ours_s, abs=0.2)


@pytest.mark.parametrize(
    ("busy_s", "ours_s", "cores"),
    [(4.0, 1.0, 1.5), (1.0, 1.0, 0.0), (0.9, 1.0, 0.0)],
    ids=["others", "alone", "ticks are coarse"],
)
def test_what_the_machine_did_less_what_we_did_is_what_others_did(busy_s, ours_s, cores):
    before, after = CpuReading(10.0, 5.0, 100.0), CpuReading(12.0, 5.0 + ours_s, 100.0 + busy_s)
    assert foreign_cores(before, after) == pytest.approx(cores)


def test_where_the_system_does_not_tell_nothing_is_claimed(tmp_path):
    silent = read_cpu(proc=tmp_path / "none")
    assert silent.machine_busy_s is None
    assert foreign_cores(silent, read_cpu()) is None


def test_a_system_that_counts_nothing_does_not_tell(tmp_path):
    write_proc(tmp_path, [0] * 10)
    assert read_cpu(proc=tmp_path).machine_busy_s is None


def test_others_may_have_what_we_do_not_use():
    tight, roomy = allowed_foreign_cores(2, 2), allowed_foreign_cores(8, 2)
    assert tight < 0.5, "with a thread on each processor nobody else may be there"
    assert roomy - tight == pytest.approx(6)
    assert allowed_foreign_cores(8, 2, neighbours=3) - tight == pytest.approx(3)
    assert allowed_foreign_cores(2, 4) == tight


def test_neighbours_are_there_in_the_block_and_gone_behind_it():
    with busy_neighbours(2) as pids:
        states = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] for pid in pids]
    assert len(set(pids)) == 2
    assert "Z" not in states, "one has ended by itself"
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_neighbours_end_with_an_error_in_the_block():
    with pytest.raises(RuntimeError), busy_neighbours(1) as pids:
        raise RuntimeError
    assert not Path(f"/proc/{pids[0]}").exists()
