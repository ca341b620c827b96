"""What the annotation page loses when many people work at once, every request is sent twice and the server is killed.

    python benchmarks/annotate.py [raters] [items]

Raters work side by side, each judges every item, and each judgement goes out twice at the same time. Half-way the server gets
SIGKILL and is started again; raters repeat what was not acknowledged. In the end the database must hold one row for each
rater and item, with the value and the reason that were acknowledged.
"""

import asyncio
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.annotation.evaluations import evaluation  # noqa: E402

Kept = dict[tuple[str, str], tuple[int, str]]
"""Rater and item -> value and reason that the server acknowledged."""


class Server:
    """`annotate.py` on a port of its own, started as often as it is killed."""

    def __init__(self, root: Path, raters: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.command = [sys.executable, "annotate.py", "evals=ours,theirs", f"output_root={root}", f"raters={raters}",
                        f"port={self.port}"]  # fmt: skip
        self.links: dict[str, str] = {}

    def start(self) -> None:
        """Return once it has printed its links."""
        self.process = subprocess.Popen(self.command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.match(r"(r\d+) +(http://\S+)", line):
                self.links[found[1]] = found[2]
            if "Ctrl-C" in line:
                return
        raise AssertionError("the server has not started")

    def stop(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait()


async def insist(request: Callable[[], Any]) -> httpx.Response:
    """The answer to a request, which is repeated while nobody answers."""
    while True:
        try:
            response: httpx.Response = await request()
            if response.status_code < 500:
                return response
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)


async def rate(client: httpx.AsyncClient, rater: str, link: str, kept: Kept) -> None:
    """Judge everything; each judgement goes out twice at once."""
    state = (await insist(lambda: client.get(f"{link}/item"))).json()
    while (item := state["item"]) is not None:
        key, number = item["id"], state["done"]
        body = {"value": number % 3 - 1, "reason": f"{rater} {key}", "seconds": 1.0, "revision": 0}
        sent = [insist(lambda key=key, body=body: client.post(f"{link}/item/{key}", json=body)) for _ in range(2)]
        answers = await asyncio.gather(*sent)
        assert [answer.status_code for answer in answers] == [200, 200], [answer.text for answer in answers]
        kept[rater, key] = body["value"], body["reason"]
        state = min((answer.json() for answer in answers), key=lambda one: -one["done"])


async def work(server: Server, kept: Kept, half: int) -> None:
    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=None)) as client:
        people = asyncio.gather(*(rate(client, *one, kept) for one in server.links.items()))
        while len(kept) < half and not people.done():
            await asyncio.sleep(0.01)
        server.stop(signal.SIGKILL)
        print(f"killed after {len(kept)} acknowledged judgements")
        await asyncio.to_thread(server.start)
        await people


def main(raters: int, items: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root, kept = Path(scratch), Kept()
        for name in ("ours", "theirs"):
            evaluation(root, name, [f"{name} says {number}" for number in range(items)])
        server = Server(root, raters)
        server.start()
        started = time.perf_counter()
        asyncio.run(work(server, kept, raters * items // 2))
        seconds = time.perf_counter() - started
        server.stop(signal.SIGTERM)
        database = sqlite3.connect(root / "annotations" / "people.sqlite")
        rows = database.execute("SELECT rater, item, value, swapped, reason FROM judgement").fetchall()
    found = {(rater, item): (-value if swapped else value, reason) for rater, item, value, swapped, reason in rows}
    lost, doubled = len(kept.keys() - found.keys()), len(rows) - len(found)
    changed = sum(found.get(key) != value for key, value in kept.items()) - lost
    print(f"{raters} raters, {items} items: {len(rows)} rows; lost {lost}, doubled {doubled}, changed {changed}")
    print(f"{seconds:.1f} s, {2 * len(rows) / seconds:.0f} requests a second, the kill and the new start included")
    sys.exit((len(rows), lost, doubled, changed) != (raters * items, 0, 0, 0))


if __name__ == "__main__":
    main(*(int(given) for given in (sys.argv[1:] + ["50", "100"][len(sys.argv) - 1 :])))
