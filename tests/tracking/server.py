"""A stand-in of W&B's server that takes what `wandb sync` sends: enough for runs, history and artifacts, nothing to read."""

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server(ThreadingHTTPServer):
    """On a free port of the loopback; what was sent lies in `runs` (last upsert), `history` and `artifacts`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.artifacts: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        """The data of a GraphQL request."""
        if "RunResumeStatus" in query:
            return {"model": self.bucket(given["name"]) if given["name"] in self.runs else None}
        if "UpsertBucket" in query:
            self.runs.setdefault(given["name"], {}).update({k: v for k, v in given.items() if v is not None})
            return {"upsertBucket": {"bucket": self.bucket(given["name"])["bucket"], "inserted": False}}
        if "CreateArtifact " in query:
            self.artifacts.append(given["input"])
            made = {"id": "a", "state": "COMMITTED", "artifactSequence": {"id": "s", "latestArtifact": None}}
            return {"createArtifact": {"artifact": made}}
        if "CreateRunFiles" in query:
            return {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": []}}
        return {}

    def bucket(self, name: str) -> dict[str, Any]:
        """A run as the client asks for it."""
        lines = self.history.get(name, [])
        project = {"id": "p", "name": "humpback", "entity": {"id": "e", "name": "me"}}
        bucket = {
            "id": f"id-{name}", "name": name, "displayName": name, "project": project, "sweepName": None, "tags": [],
            "config": self.runs[name].get("config", "{}"), "summaryMetrics": "{}", "wandbConfig": '{"t": 1}',
            "historyLineCount": len(lines), "eventsLineCount": 0, "logLineCount": 0,
            "historyTail": json.dumps([json.dumps(line) for line in lines[-1:]]), "eventsTail": "[]",
        }  # fmt: skip
        return project | {"bucket": bucket}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        text = gzip.decompress(text) if self.headers.get("Content-Encoding") == "gzip" else text
        if self.path == "/graphql":
            request = json.loads(text)
            self.reply({"data": self.server.answer(request["query"], request.get("variables") or {})})
            return
        if self.path.endswith("/file_stream"):
            sent = json.loads(text).get("files", {}).get("wandb-history.jsonl")
            if sent:
                lines = self.server.history.setdefault(self.path.split("/")[-2], [])
                lines[sent["offset"] :] = map(json.loads, sent["content"])
        self.reply({})

    def reply(self, value: dict[str, Any]) -> None:
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass
