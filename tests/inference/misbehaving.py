"""A real HTTP server on loopback that answers as a script says, and remembers what it was asked."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[int, dict[str, Any]], Reply]
"""Number of the request (from 0) and its payload -> status, headers, body."""


def completion(text: str | None, **fields: Any) -> Reply:
    """A chat answer as endpoints give it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"} | fields
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    return 200, {}, json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}).encode()


def refusal(status: int, message: str, code: str = "", **headers: str) -> Reply:
    body = json.dumps({"error": {"message": message, "code": code}}).encode()
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, body


def echo(payload: dict[str, Any]) -> Reply:
    """The user's message in capitals."""
    return completion(payload["messages"][-1]["content"].upper())


class Misbehaving(ThreadingHTTPServer):
    """`seen`: payloads of chat requests in order of arrival, `times` when; `most`: requests under way at once at most;
    `elsewhere`: path and payload of any other request -> its answer.
    """

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour, self.seen, self.times, self.headers = behaviour, list[Any](), list[float](), list[Any]()
        self.elsewhere: Callable[[str, Any], Reply] = lambda path, payload: refusal(404, "no such path")
        self.lock, self.running, self.most = threading.Lock(), 0, 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: Misbehaving
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            return self.answer(self.server.elsewhere(self.path, payload))
        with self.server.lock:
            number = len(self.server.seen)
            self.server.seen.append(payload)
            self.server.times.append(time.monotonic())
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.server.running += 1
            self.server.most = max(self.server.most, self.server.running)
        reply = self.server.behaviour(number, payload)
        with self.server.lock:
            self.server.running -= 1
        self.answer(reply)

    def answer(self, reply: Reply) -> None:
        status, headers, body = reply
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = "Connection" in headers

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def misbehaving(behaviour: Behaviour) -> Iterator[Misbehaving]:
    server = Misbehaving(behaviour)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
