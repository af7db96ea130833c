"""A loopback server that speaks as OpenAI's chat completions do, with replies that are written down beforehand."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from langchain_openai import ChatOpenAI

Reply = dict[str, Any] | str | None
"""A message; or the raw body of an answer, right or wrong; or None: no answer at all, until the client gives up."""


def says(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def calls(*wanted: tuple[str, dict[str, Any] | str], first_id: int = 1) -> dict[str, Any]:
    """One or more tool calls in one message; arguments as a text are sent as they are."""
    made = [
        {
            "id": f"call_{first_id + index}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for index, (name, given) in enumerate(wanted)
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


@dataclass
class ScriptedOpenAI:
    """requests: the bodies that came in, in order. Replies are used up in order, and the last one is repeated."""

    replies: deque[Reply]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def take(self, request: dict[str, Any]) -> Reply:
        self.requests.append(request)
        return self.replies.popleft() if len(self.replies) > 1 else self.replies[0]

    def model(self, **options: Any) -> ChatOpenAI:
        """langchain-openai's own client, pointed here."""
        settings = {"model": "scripted", "timeout": 20, "max_retries": 0, **options}
        return ChatOpenAI(base_url=f"{self.url}/v1", api_key="none", **settings)

    @property
    def tool_schemas(self) -> dict[str, Any]:
        """Name -> what the last request said of the tool."""
        return {tool["function"]["name"]: tool["function"] for tool in self.requests[-1].get("tools", [])}

    @property
    def tool_messages(self) -> list[str]:
        """What the last request told of tools' results."""
        return [message["content"] for message in self.requests[-1]["messages"] if message["role"] == "tool"]


@contextmanager
def scripted_openai(replies: Sequence[Reply]) -> Iterator[ScriptedOpenAI]:
    """Serves on a free port of loopback until the block ends."""
    script = ScriptedOpenAI(deque(replies))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(script: ScriptedOpenAI) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = script.take(request)
            if reply is None:
                script.closing.wait()
            elif isinstance(reply, str):
                self._send("application/json", reply)
            elif request.get("stream"):
                self._send("text/event-stream", "".join(_events(reply)))
            else:
                self._send("application/json", json.dumps(_completion(reply)))

        def _send(self, kind: str, body: str) -> None:
            data = body.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    return Handler


_HEAD = {"id": "chatcmpl-1", "created": 1, "model": "scripted"}


def _completion(message: dict[str, Any]) -> dict[str, Any]:
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": usage}


def _events(message: dict[str, Any]) -> Iterator[str]:
    """Word by word, and a tool call's arguments in two halves, as hosted models send them."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word + " "} for word in (message.get("content") or "").split()]
    for index, call in enumerate(message.get("tool_calls", [])):
        arguments = call["function"]["arguments"]
        middle = len(arguments) // 2
        deltas.append({"tool_calls": [{**call, "index": index, "function": {**call["function"], "arguments": ""}}]})
        for half in (arguments[:middle], arguments[middle:]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
    for delta in deltas:
        yield _event({"index": 0, "delta": delta, "finish_reason": None})
    yield _event({"index": 0, "delta": {}, "finish_reason": "tool_calls" if message.get("tool_calls") else "stop"})
    yield "data: [DONE]\n\n"


def _event(choice: dict[str, Any]) -> str:
    return f"data: {json.dumps({**_HEAD, 'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"
