"""A web server of this machine whose answers can be told to fail: what an `https://` corpus may meet."""

import hashlib
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FlakyServer(ThreadingHTTPServer):
    """Serves `files` by ranges. Of each path the next answers may be set: a status, `cut` (half of what was promised)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, list[int | str]] = defaultdict(list)
        self.moved: dict[str, str] = {}
        self.ranges = True
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FlakyServer

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path, server = self.path.lstrip("/"), self.server
        server.asked.append(f"{self.command} {path}")
        said = server.answers[path].pop(0) if server.answers[path] else 200
        if path in server.moved:
            return self._send(302, b"", body, Location=server.moved[path])
        if isinstance(said, int) and said != 200:
            return self._send(said, b"not now", body)
        if path not in server.files:
            return self._send(404, b"", body)
        content = server.files[path]
        told = {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}
        status, wanted = 200, self.headers.get("Range")
        if server.ranges:
            told["Accept-Ranges"] = "bytes"
        if wanted and server.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            end = min(int(last or len(content) - 1) + 1, len(content))
            told["Content-Range"] = f"bytes {first}-{end - 1}/{len(content)}"
            status, content = 206, content[int(first) : end]
        self._send(status, content, body, cut=said == "cut", **told)

    def _send(self, status: int, content: bytes, body: bool, cut: bool = False, **told: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | told).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if body:
            self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = cut

    def handle(self) -> None:
        with suppress(ConnectionError):  # of a client that has seen enough
            super().handle()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def flaky_server() -> Iterator[FlakyServer]:
    """The server, which ends with the block."""
    with FlakyServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
