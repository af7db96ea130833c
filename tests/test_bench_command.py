"""`kosmos-agent bench --against transformers` from end to end, on a tiny model with random weights."""

import json
import shutil
from functools import partial

import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_grounder, tiny_model

from kosmos_agent import precision
from kosmos_agent.benchmarking import compare
from kosmos_agent.benchmarking.breakdown import activities, break_down
from kosmos_agent.benchmarking.compare import EXACT, PARTS, Scope
from kosmos_agent.benchmarking.crowd import measure_crowd
from kosmos_agent.benchmarking.lone import LoneChoice, LoneProcessError, measure_lone
from kosmos_agent.benchmarking.machine import measure_limits
from kosmos_agent.benchmarking.report import Comparison
from kosmos_agent.benchmarking.rounds import Plan
from kosmos_agent.benchmarking.stages import STAGES
from kosmos_agent.benchmarking.throughput import BATCHES, PHRASE_COUNTS, batches_of, frames_with
from kosmos_agent.benchmarking.works import WORKS, noise_picture
from kosmos_agent.cli.app import main
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.model.checkpoint import save_model

QUICK = Plan(threads=1, wanted=1, patience=1, sample_s=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny_model(1, conv=True, location_gain=2.0), path, tokenizer=TOKENIZER)
    return path


@pytest.fixture
def run(capsys):
    def call(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_report_is_whole(folder, monkeypatch):
    monkeypatch.setattr(compare, "measure_limits", partial(measure_limits, gemm_side=64, read_bytes=1 << 16))
    scope = Scope(str(folder), ("float32",), parts=("answers", "works", "limits", "stages", "breakdown"))
    found = compare.ComparisonRun(scope, Plan(threads=1, wanted=5, patience=1, sample_s=0), noise_picture()).report()
    ours, theirs = "kosmos-agent float32", "transformers float32"
    assert found.works.keys() == WORKS.keys()
    for work, timings in found.works.items():
        assert {ours, theirs} <= timings.keys()
        ratio = timings[theirs].median_ms / timings[ours].median_ms
        assert found.ratios[work]["transformers"][ours] == pytest.approx(ratio)
        assert all(timing.samples == 5 and timing.noisy == (timing.clean < 5) for timing in timings.values())
    assert found.answers[ours].alike, "the same weights, the same answers"
    assert found.caption_tokens.keys() == {ours, theirs}
    assert 0 <= found.caption_guessed[ours] < found.caption_tokens[ours]
    assert found.stages["float32"].keys() == STAGES.keys()
    assert found.breakdown is not None
    assert found.limits is not None
    assert (found.machine.threads, found.wanted_samples, found.lone) == (1, 5, {})


def test_as_shipped_and_the_breakdown_are_in_the_type_that_auto_takes(folder, tmp_path, monkeypatch):
    """Whatever types are compared besides."""
    shutil.copytree(folder, tmp_path / "twice")
    (tmp_path / "twice" / "profile.json").write_text('{"both_ways": true, "bfloat16": true}')
    monkeypatch.setattr(precision, "computes_bfloat16", lambda device: True)
    monkeypatch.setattr(compare.ComparisonRun, "variants", lambda self: (EXACT,))
    run = compare.ComparisonRun(Scope(str(tmp_path / "twice"), parts=("breakdown",)), QUICK, noise_picture())
    assert [side.name for side in run._as_shipped()] == ["kosmos-agent bfloat16, as shipped"]
    assert run.report().breakdown.precision == "bfloat16"
    asked = Scope(str(tmp_path / "twice"), ("float32",))
    shipped = compare.ComparisonRun(asked, QUICK, noise_picture())._as_shipped()
    assert [side.name for side in shipped] == ["kosmos-agent float32, as shipped"]
    assert shipped[0].grounder.profile.both_ways


def test_another_type_is_held_against_float32_in_distributions_too(folder):
    scope = Scope(str(folder), ("float32", "bfloat16"), parts=("answers",))
    checks = compare.ComparisonRun(scope, QUICK, noise_picture()).report().answers
    assert checks["kosmos-agent float32"].corners_move is None
    assert 0 < checks["kosmos-agent bfloat16"].corners_move < 0.1
    assert 0 <= checks["kosmos-agent bfloat16"].presence_changes < 0.1


def test_throughput_is_asked_of_gpus_alone_unless_it_is_named(folder):
    assert "throughput" not in Scope().wanted
    assert Scope(device="cuda:0").wanted == PARTS
    scope = Scope(str(folder), ("float32",), parts=("throughput",))
    rates = compare.ComparisonRun(scope, QUICK, noise_picture()).report().throughput
    ours, theirs = "kosmos-agent float32", "transformers float32, careful"
    both = {frames_with(count) for count in PHRASE_COUNTS} | {"captions/s"}
    assert {kind for kind, by_name in rates.items() if by_name.keys() == {ours, theirs}} == both
    assert rates.keys() - both == {batches_of(count) for count in BATCHES}
    rate = rates[batches_of(32)][ours]
    assert rate.per_second == pytest.approx(32 * 1000 / rate.timing.median_ms)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_tells_what_it_found(run, folder, as_json):
    words = ["bench", "--against", "transformers", "--model", folder, "--dtype", "float32", "--threads", 1]
    code, out, _ = run(*words, "--repeat", 1, "--parts", "answers", *(["--json"] if as_json else []))
    assert code == 0
    if as_json:
        assert Comparison.model_validate_json(out.splitlines()[-1]).answers.keys() == {"kosmos-agent float32"}
    else:
        assert "| kosmos-agent float32 | 8 of 8 |" in out


@pytest.mark.parametrize("option", [("--beside", 1), ("--parts", "works")])
def test_options_of_a_comparison_want_one(run, folder, option):
    code, out, err = run("bench", "--model", folder, *option)
    assert (code, out) == (2, "")
    assert "--against transformers" in err


def test_a_runtime_is_no_choice_of_a_comparison(run, folder):
    code, out, err = run("bench", "--against", "transformers", "--model", folder, "--runtime", "openvino")
    assert (code, out) == (2, "")
    assert "--runtime openvino with --against; valid: torch" in err


def test_an_unknown_part_is_named_with_the_valid_ones():
    with pytest.raises(InvalidArgumentError, match=f"speed; valid: {', '.join(PARTS)}"):
        Scope(parts=("works", "speed"))


def test_a_crowd_is_measured_with_each_number_of_threads_and_neighbours():
    rows = measure_crowd({"nothing": lambda: None}, 1, QUICK, threads=(1, 2))
    assert [(row.neighbours, row.threads) for row in rows] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert all(row.timings["nothing"].samples == 1 for row in rows)


def test_a_process_by_itself_tells_its_start_and_its_memory(folder):
    choice = LoneChoice("lone_ours", str(folder), "float32", "cpu", 1)
    figures = measure_lone({"ours": choice}, QUICK)["ours"]
    assert 0 < figures.load_ms < figures.first_answer.median_ms
    assert figures.peak_mib is None or figures.peak_mib > 50


def test_a_process_that_fails_is_no_figure(folder):
    choice = LoneChoice("lone_ours", str(folder / "nothing"), "float32", "cpu", 1)
    with pytest.raises(LoneProcessError, match=r"lone_ours with float32 ended with 1: .*UnknownModelError"):
        measure_lone({"ours": choice}, QUICK)


def test_a_breakdown_names_all_parts_and_they_add_up():
    grounder = tiny_grounder(conv=True)
    found = break_down(grounder, noise_picture(), frames=3)
    names = {(part.stage, part.part) for part in found.parts}
    assert {("query", "decoder attention"), ("query", "decoder feed-forward"), ("vision", "resampler")} <= names
    assert {stage for stage, _ in names} == {"preprocess", "vision", "query", "answers"}
    assert sum(item.share for item in found.operations) <= 1 + 1e-9
    assert found.precision == "float32"
    json.loads(found.model_dump_json())


def test_a_gpu_is_profiled_beside_the_cpu():
    assert [kind.name for kind in activities(torch.device("cuda:0"))] == ["CPU", "CUDA"]
    assert [kind.name for kind in activities(torch.device("cpu"))] == ["CPU"]
