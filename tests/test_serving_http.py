"""The HTTP face: one request type two ways, coded errors, bounds, tokens, overload, clients that hang up, the end."""

import base64
import json
import socket
import threading

import httpx
import pytest
import serving_engine as scripts
from PIL import Image

from kosmos_agent.errors import CheckpointError, InvalidImageError, UnforeseenError
from kosmos_agent.results import GroundedText, Grounding
from kosmos_agent.serving.bodies import BodyLimits
from kosmos_agent.serving.server import GroundingServer, WayIn
from kosmos_agent.serving.statuses import STATUSES

TOKEN = "a-token-of-the-tests"  # noqa: S105
PNG = scripts.png()
JSON_IMAGE = {"image": base64.b64encode(PNG).decode()}


@pytest.fixture
def engine():
    return scripts.ScriptedEngine()


@pytest.fixture
def server(engine):
    with scripts.serving(engine) as server:
        yield server


def post(server, path="/v1/ground", **options):
    options = options or {"json": {**JSON_IMAGE, "phrases": ["the cup"]}}
    return httpx.post(server.url + path, timeout=scripts.WAIT_S, trust_env=False, **options)


def get(server, path, **options):
    return httpx.get(server.url + path, timeout=scripts.WAIT_S, trust_env=False, **options)


def code(answer):
    return answer.json()["error"]["code"]


def test_json_and_a_form_ask_the_same(server, engine):
    fields = {"phrases": ["the cup", "the plate"], "stamp_ns": 7, "frame_id": "left_optical", "age_s": 0.25}
    first = post(server, json={**JSON_IMAGE, **fields, "zoom": False, "timeout_s": 5})
    form = {**fields, "zoom": "false", "timeout_s": "5"}
    second = post(server, data=form, files={"image": ("a.png", PNG, "image/png")})
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    one, other = engine.asked
    assert (one.image, one.ask, one.timeout_s, one.stamp_ns) == (other.image, other.ask, other.timeout_s, 7)
    assert one.ask.zoom is False
    answers = [Grounding.model_validate(item) for item in first.json()["answers"]]
    assert [answer.phrase for answer in answers] == ["the cup", "the plate"]
    assert answers[0].frame.frame_id == "left_optical"
    assert first.json()["age_s"] == 0.75


def test_texts_of_each_kind(server, engine):
    box = {"x1": 0.1, "y1": 0.2, "x2": 0.3, "y2": 0.4}
    described = post(server, "/v1/describe", json={**JSON_IMAGE, "boxes": [box]})
    as_form = post(server, "/v1/describe", data={"boxes": "0.1,0.2,0.3,0.4"}, files={"image": PNG})
    captioned = post(server, "/v1/caption", json={**JSON_IMAGE, "style": "detailed"})
    answered = post(server, "/v1/answer", json={**JSON_IMAGE, "questions": ["how many?", "where?"]})
    for answer in (described, as_form, captioned, answered):
        assert answer.status_code == 200, answer.text
        assert all(GroundedText.model_validate(item) for item in answer.json()["answers"])
    assert engine.asked[0].ask == engine.asked[1].ask
    assert engine.asked[2].ask.style == "detailed"
    assert [item["text"] for item in answered.json()["answers"]] == ["answer: how many?", "answer: where?"]


BAD = {
    "no picture": ({"phrases": ["the cup"]}, "invalid_image"),
    "a picture that is no base64": ({"image": "%%%", "phrases": ["the cup"]}, "invalid_image"),
    "no phrases": ({**JSON_IMAGE}, "invalid_argument"),
    "an empty list": ({**JSON_IMAGE, "phrases": []}, "invalid_argument"),
    "65 phrases": ({**JSON_IMAGE, "phrases": ["a cup"] * 65}, "invalid_argument"),
    "an empty phrase": ({**JSON_IMAGE, "phrases": [""]}, "invalid_phrase"),
    "a long phrase": ({**JSON_IMAGE, "phrases": ["x" * 257]}, "invalid_phrase"),
    "a control character": ({**JSON_IMAGE, "phrases": ["a\x01b"]}, "invalid_phrase"),
    "a number for words": ({**JSON_IMAGE, "phrases": [7]}, "invalid_argument"),
    "an unknown field": ({**JSON_IMAGE, "phrases": ["a cup"], "colour": "red"}, "invalid_argument"),
    "another task": ({**JSON_IMAGE, "phrases": ["a cup"], "task": "caption"}, "invalid_argument"),
    "a time limit of nothing": ({**JSON_IMAGE, "phrases": ["a cup"], "timeout_s": 0}, "invalid_argument"),
    "a picture from the future": ({**JSON_IMAGE, "phrases": ["a cup"], "age_s": -1}, "invalid_argument"),
}


@pytest.mark.parametrize(("body", "expected"), BAD.values(), ids=BAD)
def test_what_cannot_be_asked_is_refused_with_its_code(server, engine, body, expected):
    answer = post(server, json=body)
    assert (answer.status_code, code(answer)) == (422, expected)
    assert "valid" in answer.json()["error"]["message"] or expected == "invalid_image"
    assert engine.asked == []


def test_an_inverted_box_is_a_bad_box(server):
    answer = post(server, "/v1/describe", json={**JSON_IMAGE, "boxes": [{"x1": 0.5, "y1": 0, "x2": 0.2, "y2": 1}]})
    assert (answer.status_code, code(answer)) == (422, "invalid_box")
    answer = post(server, "/v1/describe", data={"boxes": "0.5,0.5"}, files={"image": PNG})
    assert (answer.status_code, code(answer)) == (422, "invalid_argument")


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_refused(server, content):
    answer = post(server, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, code(answer)) == (422, "invalid_argument")


@pytest.mark.parametrize("kind", ["text/plain", "", "multipart/form-data", "multipart/form-data; boundary=x"])
def test_what_is_no_form_is_refused(server, kind):
    answer = post(server, content=b"image=1", headers={"Content-Type": kind})
    assert answer.status_code == 422
    assert code(answer) in ("invalid_argument", "invalid_image")


def test_a_field_given_twice_is_refused(server):
    answer = post(server, data={"phrases": "a cup", "stamp_ns": ["1", "2"]}, files={"image": PNG})
    assert (answer.status_code, code(answer)) == (422, "invalid_argument")


@pytest.mark.parametrize(("error_code", "status"), STATUSES.items())
def test_errors_of_the_engine_keep_their_codes(server, engine, error_code, status):
    engine.error = InvalidImageError("what was wrong")
    engine.error.code = error_code
    answer = post(server)
    assert (answer.status_code, answer.json()) == (
        status,
        {"error": {"code": error_code, "message": "what was wrong"}},
    )
    assert ("retry-after" in answer.headers) == (status in (429, 503))


def test_what_nobody_foresaw_is_told_without_its_words(server, engine):
    engine.error = ZeroDivisionError("a secret of the inside")
    answer = post(server)
    assert (answer.status_code, code(answer)) == (500, UnforeseenError.code)
    assert "secret" not in answer.text
    engine.error = None
    assert post(server).status_code == 200


def test_large_bodies_are_refused_whatever_they_say_of_themselves(engine):
    def chunks():
        for _ in range(100):
            yield b" " * 1024

    with scripts.serving(engine, limits=BodyLimits(max_bytes=10_000)) as server:
        told = post(server, content=b" " * 10_001, headers={"Content-Type": "application/json"})
        untold = post(server, content=chunks(), headers={"Content-Type": "application/json"})
        form = post(server, data={"phrases": "a"}, files={"image": b" " * 20_000})
        for answer in (told, untold, form):
            assert (answer.status_code, code(answer)) == (413, "too_large")
        assert post(server).status_code == 200


def test_a_body_that_does_not_come_frees_its_place(engine):
    with scripts.serving(engine, max_requests=1, limits=BodyLimits(max_body_s=0.2)) as server:
        with socket.create_connection(("127.0.0.1", server.port), scripts.WAIT_S) as slow:
            head = f"POST /v1/ground HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            slow.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
            assert b"504" in slow.recv(4096)
        scripts.until(lambda: server.app.open_requests == 0)
        assert post(server).status_code == 200


def test_a_bomb_is_refused_by_its_header(tmp_path):
    """A picture that unpacks to more pixels than the server takes, through the real engine."""
    from serving_scripts import worker

    from kosmos_agent.serving.local_engine import LocalEngine

    Image.new("RGB", (3000, 1000)).save(tmp_path / "bomb.png")
    with scripts.serving(LocalEngine(lambda: worker()[0], max_pixels=1_000_000)) as server:
        answer = post(server, data={"phrases": "a"}, files={"image": (tmp_path / "bomb.png").read_bytes()})
        assert (answer.status_code, code(answer)) == (422, "invalid_image")
        assert "3 megapixels (3000 x 1000); valid: at most 1 megapixels" in answer.text
        assert post(server, data={"phrases": "a"}, files={"image": b"no picture"}).status_code == 422
        assert post(server).status_code == 200


def test_beyond_what_it_can_hold_it_says_come_again(engine):
    """Four places, four held: every other request is refused at once, and none of the four is lost."""
    held = []

    def hold():
        held.append(post(server, json={**JSON_IMAGE, "phrases": ["held"]}))

    with scripts.serving(engine, max_requests=4) as server:
        threads = [threading.Thread(target=hold) for _ in range(4)]
        for thread in threads:
            thread.start()
        scripts.until(lambda: len(engine.asked) == 4)
        refused = [post(server) for _ in range(20)]
        assert {(answer.status_code, code(answer)) for answer in refused} == {(429, "busy")}
        assert all(answer.headers["retry-after"] == "1" for answer in refused)
        assert get(server, "/ready").status_code == 200
        assert "kosmos_agent_queue_length 4.0" in get(server, "/metrics").text
        engine.release.set()
        for thread in threads:
            thread.join(scripts.WAIT_S)
        assert [answer.status_code for answer in held] == [200] * 4
        assert len(engine.asked) == 4
        assert post(server).status_code == 200
        assert 'kosmos_agent_rejected_total{code="busy"} 20.0' in get(server, "/metrics").text


def test_a_client_that_hangs_up_stops_the_work(server, engine):
    body = json.dumps({**JSON_IMAGE, "phrases": ["held"]}).encode()
    with socket.create_connection(("127.0.0.1", server.port), scripts.WAIT_S) as client:
        head = f"POST /v1/ground HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert engine.held.wait(scripts.WAIT_S)
    scripts.until(lambda: engine.cancelled == 1)
    scripts.until(lambda: server.app.open_requests == 0)
    assert 'code="cancelled",task="find"} 1.0' in get(server, "/metrics").text


def test_a_client_that_hangs_up_before_it_has_asked_is_nobodys_fault(server, engine, caplog):
    with socket.create_connection(("127.0.0.1", server.port), scripts.WAIT_S) as client:
        head = f"POST /v1/ground HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
        client.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        scripts.until(lambda: server.app.open_requests == 1)
    scripts.until(lambda: server.app.open_requests == 0)
    scripts.until(lambda: 'code="cancelled",task="find"} 1.0' in get(server, "/metrics").text)
    assert engine.asked == []
    assert not caplog.records


def test_at_the_end_what_was_begun_is_answered(engine):
    answers = []
    with scripts.serving(engine) as server:
        thread = threading.Thread(target=lambda: answers.append(post(server, json={**JSON_IMAGE, "phrases": ["held"]})))
        thread.start()
        assert engine.held.wait(scripts.WAIT_S)
        assert get(server, "/ready").status_code == 200
        server.app.end()
        assert (get(server, "/ready").status_code, get(server, "/health").status_code) == (503, 200)
        late = post(server)
        assert (late.status_code, code(late)) == (503, "not_ready")
        server.stop()
        engine.release.set()
        thread.join(scripts.WAIT_S)
    assert [answer.status_code for answer in answers] == [200]
    assert not engine.ready


def test_a_model_that_does_not_load_is_no_server():
    class Broken(scripts.ScriptedEngine):
        async def start(self):
            raise CheckpointError("a tensor is missing")

    server = GroundingServer(Broken(), WayIn(port=0))
    with pytest.raises(CheckpointError, match="a tensor is missing"):
        server.run()


@pytest.fixture
def guarded(engine):
    with scripts.serving(engine, WayIn(port=0, token=TOKEN)) as server:
        yield server


def test_the_token_opens_and_nothing_else_does(guarded, engine):
    for given in (None, "Bearer", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer é"):
        headers = {} if given is None else {"Authorization": given.encode()}
        answer = post(guarded, json={**JSON_IMAGE, "phrases": ["a cup"]}, headers=headers)
        assert (answer.status_code, code(answer)) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert engine.asked == []
    for path in ("/metrics", "/openapi.json"):
        assert get(guarded, path).status_code == 401
    for path in ("/health", "/ready"):
        assert get(guarded, path).status_code == 200
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert post(guarded, json={**JSON_IMAGE, "phrases": ["a cup"]}, headers=headers).status_code == 200
    figures = get(guarded, "/metrics", headers=headers).text
    assert 'kosmos_agent_rejected_total{code="unauthorized"} 9.0' in figures
    assert 'kosmos_agent_requests_total{code="ok",task="find"} 1.0' in figures


@pytest.mark.parametrize(("header", "value", "status"), [("Host", "evil.example", 421), ("Origin", "http://a.b", 403)])
def test_a_web_page_gets_nothing(server, engine, header, value, status):
    answer = post(server, json={**JSON_IMAGE, "phrases": ["a cup"]}, headers={header: value})
    assert answer.status_code == status
    assert engine.asked == []


def test_the_page_of_the_interface_names_every_field(server):
    page = get(server, "/openapi.json").json()
    assert {path for path in page["paths"] if path.startswith("/v1")} == {
        "/v1/ground",
        "/v1/describe",
        "/v1/caption",
        "/v1/answer",
    }
    for path, wanted in (("/v1/ground", "phrases"), ("/v1/describe", "boxes"), ("/v1/answer", "questions")):
        operation = page["paths"][path]["post"]
        for kind in ("application/json", "multipart/form-data"):
            schema = operation["requestBody"]["content"][kind]["schema"]
            assert {"image", wanted, "stamp_ns", "timeout_s"} <= set(schema["properties"])
            assert schema["required"] == ["image", wanted]
        assert {"200", "401", "413", "422", "429", "503", "504"} <= set(operation["responses"])
    assert "Grounding" in page["components"]["schemas"]


def test_the_figures_count_what_came(server):
    for _ in range(3):
        post(server, json={**JSON_IMAGE, "phrases": ["a cup", "a plate"]})
    post(server, json={**JSON_IMAGE, "phrases": [""]})
    figures = get(server, "/metrics").text
    assert 'kosmos_agent_requests_total{code="ok",task="find"} 3.0' in figures
    assert 'kosmos_agent_requests_total{code="invalid_phrase",task="find"} 1.0' in figures
    assert 'kosmos_agent_phrases_total{task="find"} 6.0' in figures
    assert 'kosmos_agent_picture_age_seconds_count{task="find"} 3.0' in figures
    assert 'kosmos_agent_request_seconds_count{task="find"} 4.0' in figures
