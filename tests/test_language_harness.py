"""Our models inside lm-evaluation-harness itself, on tasks and data of the test's own: its scores are ours."""

import json

import pytest
from tiny_kosmos import tiny_grounder

pytest.importorskip("lm_eval", reason="lm-evaluation-harness is not installed (extra language)")

import datasets.config
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

from kosmos_agent.evaluation.batch.journal import Journal
from kosmos_agent.evaluation.language import harness
from kosmos_agent.evaluation.language.choices import RECORDS, answer_choices, choice_figures, read_choices

GROUNDER = tiny_grounder()
QUESTIONS = (
    {"context": "the red", "choices": ["cup", "blue box"], "answer": 0},
    {"context": "what is it", "choices": ["box of it", "red cup left of the blue box", "cup"], "answer": 1},
    {"context": "the cup is left of", "choices": ["box", "the blue box"], "answer": 1},
    {"context": "an image of the", "choices": ["cup is red", "box"], "answer": 1},
    {"context": "", "choices": ["the cup", "question"], "answer": 1},
)
CHOICE = """task: tiny_choice
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{context}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{answer}}"
metric_list: [{metric: acc}, {metric: acc_bytes}]
"""
WRITTEN = """task: tiny_written
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: generate_until
doc_to_text: "{{context}}"
doc_to_target: "{{choices[answer]}}"
generation_kwargs: {until: ["box"], max_gen_toks: 4}
metric_list: [{metric: exact_match}]
"""
WHOLE = """task: tiny_whole
dataset_path: json
dataset_kwargs: {data_files: {test: FILE}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "the cup {{choices[0]}}"
metric_list: [{metric: word_perplexity}]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    data = tmp_path / "questions.jsonl"
    data.write_text("".join(json.dumps(item) + "\n" for item in QUESTIONS))
    (tmp_path / "tasks").mkdir()
    for number, text in enumerate((CHOICE, WRITTEN, WHOLE)):
        (tmp_path / "tasks" / f"{number}.yaml").write_text(text.replace("FILE", str(data)))
    return tmp_path


def evaluated(folder, task):
    known = TaskManager(include_path=str(folder / "tasks"), include_defaults=False)
    model = harness.HarnessModel(GROUNDER, rows=3)
    return simple_evaluate(model, tasks=[task], num_fewshot=0, task_manager=known, bootstrap_iters=0)


def ours(folder):
    read = read_choices(folder / "questions.jsonl")
    return answer_choices(lambda: GROUNDER, read.questions, Journal(folder / "r.jsonl", RECORDS, {}))


def test_every_choice_is_as_likely_to_it_as_to_our_own_scorer(folder):
    found = evaluated(folder, "tiny_choice")
    records = ours(folder)
    samples = sorted(found["samples"]["tiny_choice"], key=lambda sample: sample["doc_id"])
    for sample, record in zip(samples, records, strict=True):
        log_p = [float(answer[0][0]) for answer in sample["resps"]]
        # It puts a space in front of a choice where nothing stands before it; we do not.
        if record.context:
            assert log_p == pytest.approx(record.log_p, abs=1e-4)
    assert [sample["acc"] for sample in samples] == [float(record.chosen == record.answer) for record in records]


def test_its_scores_are_ours(folder):
    figures = harness._figures(evaluated(folder, "tiny_choice")["results"]["tiny_choice"])
    expected = choice_figures(ours(folder))
    assert (figures["accuracy"], figures["acc_bytes"]) == (expected["accuracy"], expected["accuracy_per_byte"])
    assert 0 < figures["accuracy"] < 1, "questions that are all right or all wrong would show little"
    assert set(figures) <= {"accuracy", "acc_bytes", "acc_stderr", "acc_bytes_stderr"}


def test_texts_and_whole_texts_are_those_of_the_model(folder):
    model = harness.HarnessModel(GROUNDER)
    for sample in evaluated(folder, "tiny_written")["samples"]["tiny_written"]:
        ((context, settings),) = sample["arguments"]
        assert (settings["until"], settings["max_gen_toks"]) == (["box"], 4)
        assert sample["resps"] == [[model._generated(context, settings)]]
    for sample in evaluated(folder, "tiny_whole")["samples"]["tiny_whole"]:
        ((text,),) = sample["arguments"]
        (told,) = sample["resps"][0]
        alone = model.loglikelihood([Asked(("", text))])[0][0]
        assert float(told) == pytest.approx(alone, abs=1e-4)


class Asked:
    def __init__(self, args):
        self.args = args
