"""The command `kosmos-agent agent`: what a person sees, what a program gets, and whom it asks."""

import io
import itertools
import json

import pytest
import typer
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_kosmos.agent import build_agent
from langchain_kosmos.tool_results import ToolResult
from langgraph.checkpoint.memory import InMemorySaver
from PIL import Image
from rich.console import Console
from scripted_skills import LEFT, RIGHT, Script, description, failure, pick, place, sighting
from typer.testing import CliRunner

from kosmos_agent.cli import _agent_run
from kosmos_agent.cli._agent import Conversation, turn_json
from kosmos_agent.cli._agent_run import AgentRun, prompted
from kosmos_agent.cli._agent_screen import Screen, Silence, plain
from kosmos_agent.cli._agent_world import wanted_by
from kosmos_agent.cli.agent import agent as command
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grounder import Grounder


class Recorder(Silence):
    """Writes down what it is told."""

    def __init__(self, approve=True):
        self.events, self.words, self.approve = [], [], approve

    def called(self, tool, arguments):
        self.events.append(("called", tool))

    def returned(self, result, picture):
        self.events.append(("returned", result.status or result.code))

    def said(self, words):
        self.words.append(words)

    def approves(self, tool, arguments):
        self.events.append(("asked", tool))
        return self.approve


class Written(FakeMessagesListChatModel):
    """A model that does not stream."""

    def bind_tools(self, tools, **kwargs):
        return self


def conversation(script, watcher, out, *, approve=False, draw=lambda result: None, model="offline"):
    agent = build_agent(model, tools=script.tools(), approve=approve, checkpointer=InMemorySaver())
    return Conversation(agent, watcher, draw, out)


def test_a_turn_as_it_goes_on(tmp_path):
    watcher = Recorder()
    script = Script(pick_object=[pick("not_picked", "slipped"), pick()], place_object=place())
    turn = conversation(script, watcher, tmp_path).say("put the cup on the plate")
    assert watcher.events == [
        ("called", "pick_object"), ("returned", "not_picked"), ("called", "pick_object"), ("returned", "picked"),
        ("called", "place_object"), ("returned", "placed"),
    ]  # fmt: skip
    assert "".join(watcher.words) == turn.text
    assert len(watcher.words) > 5, "it was not streamed word by word"
    assert turn.succeeded


def test_the_talk_goes_on_from_turn_to_turn(tmp_path):
    script = Script(pick_object=[pick("ambiguous", boxes=[LEFT, RIGHT]), pick()])
    talk = conversation(script, Recorder(), tmp_path)
    assert not talk.say("pick up the cup").succeeded
    turn = talk.say("the left one")
    assert [tool for tool, _, _ in turn.calls] == ["pick_object"]
    assert turn.succeeded


@pytest.mark.parametrize(("approve", "outcome"), [(True, "done"), (False, "refused")])
def test_a_person_is_asked_and_obeyed(tmp_path, approve, outcome):
    watcher, script = Recorder(approve), Script(pick_object=pick(), place_object=place())
    turn = conversation(script, watcher, tmp_path, approve=True).say("put the cup on the plate")
    assert turn.statement.outcome == outcome
    assert [tool for event, tool in watcher.events if event == "asked"] == ["pick_object", "place_object"][
        : 2 if approve else 1
    ]
    assert script.names == (["pick_object", "place_object"] if approve else [])


def test_pictures_are_saved_and_numbered_through_the_talk(tmp_path):
    script = Script(find_object=sighting(), describe_scene=[description("x"), failure("stale_image")])
    talk = conversation(script, Recorder(), tmp_path, draw=lambda result: Image.new("RGB", (8, 8)))
    assert talk.say("find the cup").files == [str(tmp_path / "01-find_object.png")]
    assert talk.say("what is on the table?").files == [str(tmp_path / "02-describe_scene.png")]
    assert talk.say("what is on the table?").files == []
    assert len(list(tmp_path.iterdir())) == 2


def test_the_turn_as_json(tmp_path):
    script = Script(find_object=failure("no_image", "the camera is silent"))
    data = turn_json(conversation(script, Recorder(), tmp_path).say("find the cup"))
    assert json.loads(json.dumps(data)) == data
    assert data["outcome"] == "failed"
    assert [(call["tool"], call["status"], call["code"]) for call in data["calls"]] == [
        ("find_object", None, "no_image"), ("find_object", None, "no_image"),
    ]  # fmt: skip
    assert data["calls"][0]["message"] == "the camera is silent"


def test_words_that_were_not_streamed_are_shown_too(tmp_path):
    watcher = Recorder()
    turn = conversation(Script(), watcher, tmp_path, model=Written(responses=[AIMessage("No.")])).say("sing")
    assert (turn.text, turn.statement, turn.succeeded) == ("No.", None, True)
    assert "".join(watcher.words) == "No."


def shown(act, answer=""):
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    act(Screen(console))
    return console.file.getvalue()


def test_the_screen_shows_calls_stages_and_results(tmp_path):
    def act(screen):
        screen.called("pick_object", {"phrase": "the cup"})
        for stage in ("look", "look", "lift"):
            screen.progressed("pick_object", stage)
        screen.returned(ToolResult("pick_object", pick(), None, ""), tmp_path / "a.png")
        screen.said("I picked ")
        screen.said("it up.")
        screen.returned(ToolResult("find_object", {}, "no_image", "silent"), None)
        screen.end()

    lines = shown(act).splitlines()
    assert lines[0] == "-> pick_object  phrase: the cup"
    assert [line.strip() for line in lines[1:3]] == ["look", "lift"]
    assert lines[3].startswith("<- picked")
    assert "I picked it up." in lines
    assert lines[-1] == "<- no_image  silent"


@pytest.mark.parametrize("words", ["[red]x[/red]", "\x1b[2J\x1b]0;title\x07 gone", "[link=a]b"])
def test_words_out_of_a_picture_neither_style_nor_steer_the_terminal(words):
    seen = shown(lambda screen: (screen.said(words), screen.called(words, {"phrase": words}), screen.end()))
    assert "\x1b" not in seen
    assert "\x07" not in seen
    assert plain(words, cut=False) in seen


def test_long_words_are_cut_where_a_line_is_meant():
    assert len(plain("x" * 5000)) < 300
    assert plain("x" * 5000, cut=False) == "x" * 5000


def test_nobody_there_means_no():
    def gone(*_, **__):
        raise EOFError

    console = Console(file=io.StringIO())
    console.input = gone
    assert not Screen(console).approves("pick_object", {})
    assert not Silence().approves("pick_object", {})


def test_the_prompt_ends_with_a_goodbye_or_the_end_of_input():
    console = Console(file=io.StringIO())
    lines = iter(["find the cup", "", "  help ", "exit", "never"])
    console.input = lambda *_: next(lines)
    assert list(prompted(console)) == ["find the cup", "help"]

    def ended(*_):
        raise EOFError

    console.input = ended
    assert list(prompted(console)) == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("pick up the red cup", ("cup", "red")),
        ("bring me the leftmost cup", ("cup", None)),
        ("put the blue block left of the plate on the book", ("block", "blue")),
        ("is there a red cup?", None),
        ("pick up the elephant", None),
        ("sing", None),
        (None, None),
    ],
)
def test_the_table_is_laid_for_what_shall_be_picked_up(text, wanted):
    assert wanted_by(text) == wanted


def test_json_answers_one_command_and_asks_nobody():
    app = typer.Typer()
    app.command()(command)
    for words in (["--json"], ["--json", "--approve", "find the cup"]):
        result = CliRunner().invoke(app, words)
        assert isinstance(result.exception, InvalidArgumentError)


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop")


def test_the_whole_of_it_picks_up_the_red_cup(grounder, tmp_path):
    run = AgentRun(grounder, "offline", 0, tmp_path, approve=False, max_tool_calls=10)
    result, succeeded = run.answer_as_json("pick up the red cup")
    assert succeeded
    assert result["truth"]["lifted"] == ["red cup"]
    assert result["claims"][0]["confirmed"] == "yes"
    assert [Image.open(path).size[0] > 100 for path in result["files"]] == [True]


def test_a_talk_at_one_table(grounder, tmp_path, monkeypatch):
    lines = itertools.chain(["what is on the table?", "is there an elephant?", "exit"])
    monkeypatch.setattr(_agent_run, "prompted", lambda console: itertools.takewhile(lambda line: line != "exit", lines))
    run = AgentRun(grounder, "offline", 1, tmp_path, approve=True, max_tool_calls=10)
    run.talk()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-describe_scene.png", "02-check_presence.png"]
