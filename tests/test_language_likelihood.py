"""Log-likelihoods against the installed `transformers`, the harness's three requests, and local multiple choice."""

import json
import sys
import types
from dataclasses import dataclass

import pytest
import torch
from test_parity_transformers import both
from tiny_kosmos import TOKENIZER, tiny_grounder, tiny_model

from kosmos_agent.errors import ChangedRunError, InvalidArgumentError, InvalidDatasetError
from kosmos_agent.evaluation.batch.journal import Journal
from kosmos_agent.evaluation.language.choices import (
    RECORDS,
    ChoiceRecord,
    answer_choices,
    choice_figures,
    choice_mistakes,
    read_choices,
)
from kosmos_agent.evaluation.language.likelihood import continuation, likelihoods, windows
from kosmos_agent.evaluation.language.requests import LanguageRequests
from kosmos_agent.evaluation.language.tasks import TASKS

GROUNDER = tiny_grounder()
LONGEST = GROUNDER.model.config.text.max_position_embeddings
PAIRS = [
    ("the red", " cup"),
    ("what is it", " box of it"),
    ("", "the blue box"),
    ("the cup ", "is red"),
    ("a <s>", " cup"),
]


@dataclass
class Request:
    """As an `Instance` of the harness."""

    args: tuple


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    return both(tiny_model(), tmp_path_factory.mktemp("model"))[1].text_model


def their_log_p(theirs, given, judged):
    with torch.inference_mode():
        logits = theirs(input_ids=torch.tensor([[*given, *judged]])).logits[0].float()
    log_p = logits.log_softmax(-1)[len(given) - 1 : -1]
    own = log_p.gather(1, torch.tensor(judged)[:, None])[:, 0]
    return float(own.sum()), log_p.argmax(-1).tolist() == list(judged)


def test_log_likelihoods_are_those_of_transformers(theirs):
    found = LanguageRequests(GROUNDER, rows=3).loglikelihood([Request(pair) for pair in PAIRS])
    for (context, text), (log_p, is_greedy) in zip(PAIRS, found, strict=True):
        whole = TOKENIZER.encode((context + text).replace("<", "(").replace(">", ")"))
        given = TOKENIZER.encode(context.rstrip().replace("<", "(").replace(">", ")")) if context else []
        expected = their_log_p(theirs, [TOKENIZER.bos_id, *given], whole[len(given) :])
        assert (log_p, is_greedy) == (pytest.approx(expected[0], abs=2e-4), expected[1])


def test_greedy_writing_is_theirs_and_is_called_greedy(theirs):
    requests = LanguageRequests(GROUNDER)
    text = requests.generate_until([Request(("the red", {"max_gen_toks": 5}))])[0]
    ids = [TOKENIZER.bos_id, *TOKENIZER.encode("the red")]
    with torch.inference_mode():
        for _ in range(5):
            ids.append(int(theirs(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    assert text == TOKENIZER.decode(ids[3:])


def test_writing_stops_at_the_first_stop_word():
    requests = LanguageRequests(GROUNDER)
    whole = requests.generate_until([Request(("the red", {"max_gen_toks": 8}))])[0]
    middle = whole[len(whole) // 2]
    for until in (middle, [middle, "never written"]):
        cut = requests.generate_until([Request(("the red", {"max_gen_toks": 8, "until": until}))])[0]
        assert cut == whole[: whole.index(middle)]


def test_the_bound_of_a_text_has_several_names_and_no_text_outgrows_the_model():
    requests = LanguageRequests(GROUNDER)
    four = requests.generate_until([Request(("the red", {"max_gen_toks": 4}))])
    for settings in ({"max_new_tokens": 4}, {"max_tokens": 4, "temperature": 0.7, "do_sample": False}):
        assert requests.generate_until([Request(("the red", settings))]) == four
    requests.longest = 9
    long, short = ({"max_gen_toks": most} for most in (10_000, 8))
    assert requests.generate_until([Request(("it is", long))]) == requests.generate_until([Request(("it is", short))])


def test_a_whole_text_is_the_sum_of_its_words(theirs):
    text = "the red cup left of the blue box"
    ids = TOKENIZER.encode(text)
    assert LanguageRequests(GROUNDER).loglikelihood_rolling([Request((text,))]) == [
        pytest.approx(their_log_p(theirs, [TOKENIZER.bos_id], ids)[0], abs=5e-4)
    ]


@pytest.mark.parametrize("words", [1, 7, 8, 9, 20])
def test_windows_judge_every_token_once_and_never_overflow(words):
    longest = 8
    parts = list(windows(TOKENIZER, " ".join(["the cup"] * words), longest))
    judged = [token for part in parts for token in part.judged]
    assert judged == TOKENIZER.encode(" ".join(["the cup"] * words))
    for part in parts:
        assert len(part.given) >= 1
        assert len(part.given) + len(part.judged) - 1 <= longest


def test_a_long_context_loses_its_beginning():
    item = continuation(TOKENIZER, "the red cup is left of it", " box", 4)
    assert len(item.given) + len(item.judged) == 5
    assert item.given[-1] == TOKENIZER.encode("it")[0]
    with pytest.raises(InvalidArgumentError, match=r"has 4 tokens; valid: 1 to 3"):
        continuation(TOKENIZER, "the", " cup cup cup cup", 3)
    with pytest.raises(InvalidArgumentError, match="has 0 tokens"):
        continuation(TOKENIZER, "the", "", 3)


def test_rows_in_one_pass_do_not_change_each_other():
    asked = [continuation(TOKENIZER, *pair, LONGEST) for pair in PAIRS]
    together = list(likelihoods(GROUNDER.model, TOKENIZER, asked, rows=8))
    alone = list(likelihoods(GROUNDER.model, TOKENIZER, asked, rows=1))
    assert [item.log_p for item in together] == pytest.approx([item.log_p for item in alone], abs=1e-4)


@pytest.fixture
def harness(monkeypatch):
    """lm-evaluation-harness as its documented interface: a base class, and a function that asks the model."""

    class LM:
        def __init__(self):
            self.ready = True

    def simple_evaluate(model, tasks, num_fewshot, limit):
        assert isinstance(model, LM)
        assert model.ready
        assert (num_fewshot, limit) == (0, 2)
        (log_p, _), _ = model.loglikelihood([Request(pair) for pair in PAIRS[:limit]])
        return {"results": {task: {"alias": task, "acc,none": 0.5, "acc_stderr,none": log_p} for task in tasks}}

    package, api, model = (types.ModuleType(name) for name in ("lm_eval", "lm_eval.api", "lm_eval.api.model"))
    package.simple_evaluate, model.LM = simple_evaluate, LM
    for module in (package, api, model):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(sys.modules, "kosmos_agent.evaluation.language.harness", raising=False)
    import kosmos_agent.evaluation.language.harness as adapter

    yield adapter
    sys.modules.pop("kosmos_agent.evaluation.language.harness", None)


def test_the_adapter_gives_the_harness_what_it_asks_for(harness):
    figures = harness.harness_figures(GROUNDER, ["piqa", "winograd"], 2)
    log_p = LanguageRequests(GROUNDER).loglikelihood([Request(PAIRS[0])])[0][0]
    assert figures == {
        name: {"accuracy": 0.5, "acc_stderr": pytest.approx(log_p, abs=1e-4)} for name in ("piqa", "winograd")
    }
    with pytest.raises(InvalidArgumentError, match=r"tasks \['chess'\]; valid: storycloze, hellaswag"):
        harness.harness_figures(GROUNDER, ["chess"], 2)


def test_the_papers_eight_tasks_are_known():
    assert list(TASKS) == ["storycloze", "hellaswag", "winograd", "winogrande", "piqa", "boolq", "cb", "copa"]


def question_file(folder, *lines):
    path = folder / "q.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


QUESTION = {"context": "the red", "choices": ["cup", "blue box"], "answer": 1}


def test_local_multiple_choice_is_resumed_and_judged(tmp_path):
    read = read_choices(question_file(tmp_path, *[{**QUESTION, "id": f"q{k}"} for k in range(3)]))
    journal = Journal(tmp_path / "r.jsonl", RECORDS, {"data": read.digest})
    records = answer_choices(lambda: GROUNDER, read.questions, journal)
    expected = LanguageRequests(GROUNDER).loglikelihood([Request(("the red", f" {c}")) for c in QUESTION["choices"]])
    assert list(records[0].log_p) == pytest.approx([log_p for log_p, _ in expected], abs=1e-4)
    again = Journal(tmp_path / "r.jsonl", RECORDS, {"data": read.digest})
    assert answer_choices(lambda: pytest.fail("loads a model"), read.questions, again) == records


def test_a_file_that_holds_more_than_is_asked_for_is_refused(tmp_path):
    read = read_choices(question_file(tmp_path, *[{**QUESTION, "id": f"q{k}"} for k in range(3)]))
    journal = Journal(tmp_path / "r.jsonl", RECORDS, {"data": read.digest})
    assert len(answer_choices(lambda: GROUNDER, read.questions[:2], journal)) == 2
    with pytest.raises(ChangedRunError, match="more than the 1 records asked for; valid: a larger --limit"):
        answer_choices(lambda: GROUNDER, read.questions[:1], journal)
    assert len(answer_choices(lambda: GROUNDER, read.questions, journal)) == 3


def test_accuracies_counted_by_hand():
    """Summed, the short choice wins; by its 8 bytes the long one does."""
    sums = ChoiceRecord("1", "x", ("ab", "abcdefgh"), 1, (-2.0, -4.0))
    plain = ChoiceRecord("2", "x", ("ab", "cd"), 0, (-1.0, -3.0))
    assert (sums.chosen, sums.chosen_per_byte) == (0, 1)
    assert choice_figures([sums, plain]) == {"n": 2, "accuracy": 0.5, "accuracy_per_byte": 1.0}
    mistakes = choice_mistakes([sums, plain])
    assert [(m.id, m.facts["chosen"], m.facts["right"]) for m in mistakes] == [("1", "ab", "abcdefgh")]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ({**QUESTION, "answer": 2}, "line 2: answer 2; valid: 0 to 1"),
        ({**QUESTION, "choices": ["one"]}, "line 2: choices"),
        ({"context": "x"}, "line 2: choices: Field required"),
        ([], "line 2"),
    ],
)
def test_questions_that_are_none_are_named_by_line(line, part, tmp_path):
    with pytest.raises(InvalidDatasetError, match=part):
        read_choices(question_file(tmp_path, QUESTION, line))


def test_an_empty_file_holds_no_questions(tmp_path):
    with pytest.raises(InvalidDatasetError, match="holds no questions"):
        read_choices(question_file(tmp_path))
