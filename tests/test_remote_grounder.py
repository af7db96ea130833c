"""A remote grounder is used like a local one: same answers, same errors, bounded waits, tries that can do no harm."""

import json

import httpx
import numpy as np
import pytest
import serving_engine as scripts
from PIL import Image

from kosmos_agent import errors
from kosmos_agent.asks import CaptionAsk, FindAsk
from kosmos_agent.remote import RemoteGrounder
from kosmos_agent.remote_calls import Picture, Remote, Retries
from kosmos_agent.results import Box
from kosmos_agent.serving.server import WayIn

TOKEN = "a-token-of-the-tests"  # noqa: S105
IMAGE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8))
BOX = Box(x1=0.1, y1=0.2, x2=1 / 3, y2=0.7)
PICTURE = Picture(b"a picture", "png", None, "camera")


@pytest.fixture
def engine():
    return scripts.ScriptedEngine()


@pytest.fixture
def view(engine):
    with scripts.serving(engine) as server, RemoteGrounder(server.url) as grounder:
        yield grounder.view(IMAGE, stamp_ns=7, frame_id="left_optical")


def test_each_question_arrives_as_it_was_asked(view, engine):
    assert view.find("the cup", zoom=False).phrase == "the cup"
    assert [answer.phrase for answer in view.find_all(["a", "b"])] == ["a", "b"]
    assert view.find_each("the cups").phrase == "the cups"
    assert view.describe(BOX).text == "describe: text"
    assert view.caption("detailed", zoom=True).text == "caption: text"
    assert view.answer("how many?").text == "answer: how many?"
    assert [text.text for text in view.answer_all(["a?", "b?"])] == ["answer: a?", "answer: b?"]
    asked = [request.ask for request in engine.asked]
    assert asked[0] == FindAsk(phrases=("the cup",), zoom=False)
    assert asked[2] == FindAsk(phrases=("the cups",), each=True)
    assert asked[3].boxes == (BOX,), "to the last bit"
    assert asked[4] == CaptionAsk(style="detailed", zoom=True)
    assert {(request.stamp_ns, request.frame_id) for request in engine.asked} == {(7, "left_optical")}
    assert view.find("the cup").frame.stamp_ns == 7


@pytest.mark.parametrize("encoding", ["png", "ppm"])
def test_a_picture_arrives_as_it_was(engine, encoding):
    from kosmos_agent.images import decode_image

    with scripts.serving(engine) as server, RemoteGrounder(server.url, encoding=encoding) as grounder:
        grounder.view(IMAGE).find("the cup")
    assert np.array_equal(np.asarray(decode_image(engine.asked[0].image)), np.asarray(IMAGE))


def test_what_is_wrong_is_said_before_anything_is_sent(view, engine):
    with pytest.raises(errors.InvalidPhraseError):
        view.find("")
    with pytest.raises(errors.InvalidArgumentError, match="0 phrases; valid: 1 to 64"):
        view.find_all([])
    with pytest.raises(errors.InvalidArgumentError, match="valid: brief, detailed"):
        view.caption("long")
    with pytest.raises(errors.InvalidImageError):
        RemoteGrounder("http://127.0.0.1:1").view(np.zeros((4, 4)))
    with pytest.raises(errors.CancelledError):
        view.caption(should_stop=lambda: True)
    assert engine.asked == []


@pytest.mark.parametrize("kind", [errors.InvalidImageError, errors.GoalTimeoutError, errors.InvalidArgumentError])
def test_errors_of_the_server_are_of_their_own_class(engine, view, kind):
    engine.error = kind("what was wrong; valid: something else")
    with pytest.raises(kind, match="what was wrong; valid: something else"):
        view.find("the cup")


def test_a_token_is_sent_and_shown_nowhere(engine):
    with scripts.serving(engine, WayIn(port=0, token=TOKEN)) as server:
        with RemoteGrounder(server.url, token=TOKEN) as grounder:
            assert grounder.view(IMAGE).find("the cup").status == "found"
            assert TOKEN not in repr(grounder) + grounder.name
        with RemoteGrounder(server.url) as grounder, pytest.raises(errors.UnauthorizedError):
            grounder.view(IMAGE).find("the cup")


def test_where_nobody_is(engine):
    with scripts.serving(engine) as server:
        url = server.url
        RemoteGrounder(url).check()
    grounder = RemoteGrounder(url, retries=Retries(count=1, pause_s=0))
    for call in (grounder.check, lambda: grounder.view(IMAGE).find("the cup")):
        with pytest.raises(errors.UnreachableError, match=f"nothing answers at {url}"):
            call()


@pytest.mark.parametrize(
    "url", ["", "robot", "ftp://robot", "http://", "http://user:secret@robot", "http://robot/?a=1", "http://robot:x"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(errors.InvalidArgumentError, match="valid: http://HOST:PORT") as refused:
        RemoteGrounder(url)
    assert "secret" not in str(refused.value)


class Line:
    """A line that answers by script, on a clock that moves as it is told. Items: a response, or what breaks."""

    def __init__(self, *script, takes_s=0.0):
        self.script, self.takes_s = list(script), takes_s
        self.now_s, self.slept, self.limits = 0.0, [], []

    def remote(self, timeout_s=10.0, **retries):
        return Remote(
            "http://robot",
            None,
            timeout_s,
            Retries(**retries),
            transport=httpx.MockTransport(self._answer),
            sleep=self._sleep,
            now_s=lambda: self.now_s,
        )

    def _answer(self, request):
        limit_s = request.extensions["timeout"]["read"]
        self.limits.append(limit_s)
        self.now_s += min(self.takes_s, limit_s)
        if self.takes_s > limit_s:
            raise httpx.ReadTimeout("late")
        item = self.script.pop(0)
        if isinstance(item, Exception):
            raise item
        return item

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.now_s += seconds


def good():
    return httpx.Response(200, json={"answers": [], "age_s": 0})


def bad(status, code="busy", **headers):
    return httpx.Response(status, json={"error": {"code": code, "message": "why"}}, headers=headers)


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("no"), httpx.RemoteProtocolError("cut"), httpx.ReadError("cut"), bad(503), bad(429)]
)
def test_what_was_lost_or_turned_away_is_asked_again(fault):
    line = Line(fault, good())
    assert line.remote().ground(PICTURE, FindAsk(phrases=("a",))) == []
    assert len(line.slept) == 1


def test_the_servers_wish_is_heeded_within_bounds():
    line = Line(bad(429, **{"Retry-After": "1"}), bad(429, **{"Retry-After": "99999"}), good())
    line.remote(timeout_s=60).ground(PICTURE, FindAsk(phrases=("a",)))
    assert 1 <= line.slept[0] <= 1.5
    assert 2 <= line.slept[1] <= 3


def test_it_gives_up_with_the_servers_own_error():
    line = Line(*[bad(429) for _ in range(3)])
    with pytest.raises(errors.BusyError, match="why"):
        line.remote(count=2).ground(PICTURE, FindAsk(phrases=("a",)))
    assert line.script == []


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("late"), bad(500, "other"), bad(422, "invalid_image"), bad(401)])
def test_what_may_be_at_work_still_or_cannot_be_helped_is_asked_once(fault):
    line = Line(fault, good())
    with pytest.raises(errors.KosmosAgentError):
        line.remote().ground(PICTURE, FindAsk(phrases=("a",)))
    assert len(line.script) == 1


def test_the_time_limit_is_for_all_tries_together():
    line = Line(*[bad(503, "not_ready") for _ in range(100)], takes_s=1.0)
    with pytest.raises(errors.GoalTimeoutError, match="within 5 s"):
        line.remote(timeout_s=5.0, count=99, pause_s=0.5).ground(PICTURE, FindAsk(phrases=("a",)))
    assert line.now_s <= 5.0 + 1e-9
    assert all(limit <= 5.0 for limit in line.limits)
    assert line.limits == sorted(line.limits, reverse=True)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>a router's page</html>"),
        httpx.Response(200, json={"answers": [{"phrase": "a"}]}),
        httpx.Response(200, content=json.dumps({"answers": [{"text": "a", "entities": [{"boxes": [{"x1": 2}]}]}]})),
        httpx.Response(404, text="none here"),
        httpx.Response(302, headers={"Location": "http://evil.example"}),
    ],
)
def test_what_is_no_server_of_ours_is_said_to_be_none(answer):
    with pytest.raises(errors.UnreachableError, match="http://robot"):
        Line(answer).remote(count=0).text(PICTURE, CaptionAsk())


def test_an_unknown_code_is_kept():
    with pytest.raises(errors.KosmosAgentError, match="why") as told:
        Line(bad(500, "a_new_code")).remote(count=0).text(PICTURE, CaptionAsk())
    assert told.value.code == "a_new_code"


def test_every_code_comes_back_as_its_class():
    for kind in errors.KosmosAgentError.__subclasses__():
        if kind.__module__ == "kosmos_agent.errors":
            error = errors.error_of(kind.code, "why")
            assert (type(error), error.code, str(error)) == (kind, kind.code, "why")
