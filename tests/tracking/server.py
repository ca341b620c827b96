"""A stand-in of W&B's server: takes what the client sends of runs, history and artifacts, and says of them what linking asks.

It keeps no files, and answers what the client of the tested version reads, no more.
"""

import gzip
import json
import re
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROJECT = {"id": "p", "internalId": "p", "name": "humpback", "entity": {"id": "e", "name": "me"}}


class Server(ThreadingHTTPServer):
    """On a free port of the loopback; what was sent lies in `runs` (last upsert), `history`, `artifacts` and `used`.

    A method that begins with a capital answers the GraphQL request of its name.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.artifacts: list[dict[str, Any]] = []
        """The id of one is its place in this list."""
        self.used: list[tuple[str, str]] = []
        """Run and artifact, in the order the edges were drawn."""
        self.refused: set[str] = set()
        """Names of requests that are answered with an error."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def edges(self) -> Counter[tuple[str, str]]:
        """Run and `name:alias` of an artifact it uses -> how often that was said."""
        return Counter((run, version) for run, one in self.used for version in self.versions(self.artifacts[int(one)]))

    def versions(self, sent: dict[str, Any]) -> list[str]:
        """An artifact as `name:alias`, by each alias but that of the latest."""
        aliases = [one["alias"] for one in sent["aliases"]]
        return [f"{sent['artifactCollectionName']}:{alias}" for alias in aliases if alias != "latest"]

    def answer(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        """The reply to a GraphQL request."""
        asked = re.match(r"\s*(?:#graphql\s*)?(?:query|mutation)\s+(\w+)", query)
        name = asked[1] if asked else ""
        if name in self.refused:
            return {"data": None, "errors": [{"message": "refused"}]}
        return {"data": getattr(self, name)(given) if hasattr(self, name) else {}}

    def RunResumeStatus(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"model": self.bucket(given["name"]) if given["name"] in self.runs else None}

    def UpsertBucket(self, given: dict[str, Any]) -> dict[str, Any]:
        self.runs.setdefault(given["name"], {}).update({k: v for k, v in given.items() if v is not None})
        return {"upsertBucket": {"bucket": self.bucket(given["name"])["bucket"], "inserted": False}}

    def CreateRunFiles(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": []}}

    def CreateArtifact(self, given: dict[str, Any]) -> dict[str, Any]:
        self.artifacts.append(given["input"])
        sequence = {"id": "s", "latestArtifact": None}
        made = {"id": str(len(self.artifacts) - 1), "state": "COMMITTED", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": made}}

    def UseArtifact(self, given: dict[str, Any]) -> dict[str, Any]:
        said = given.get("input", given)
        self.used.append((said["runName"], said["artifactID"]))
        return {"useArtifact": {"artifact": self.artifact(said["artifactID"])}}

    def Viewer(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"viewer": {"id": "u", "username": "me", "entity": "me", "flags": "{}", "teams": {"edges": []}}}

    GetDefaultEntity = Viewer

    def ArtifactType(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"project": None}

    def ArtifactByID(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"artifact": self.artifact(given["id"])}

    def ArtifactMembershipByName(self, given: dict[str, Any]) -> dict[str, Any]:
        found = [str(i) for i, sent in enumerate(self.artifacts) if given["name"] in self.versions(sent)]
        if not found:
            return {"project": {"artifactCollectionMembership": None}}
        whole = self.artifact(found[-1])
        collection = whole["artifactSequence"] | {"__typename": "ArtifactSequence"}
        held = {"id": "m", "versionIndex": 0, "createdAt": whole["createdAt"], "aliases": [], "artifact": whole}
        return {"project": {"artifactCollectionMembership": held | {"artifactCollection": collection}}}

    def RunInputArtifacts(self, given: dict[str, Any]) -> dict[str, Any]:
        used = [{"node": self.artifact(one)} for run, one in self.used if run == given["run"]]
        page = {"totalCount": len(used), "pageInfo": {"endCursor": None, "hasNextPage": False}, "edges": used}
        return {"project": {"run": {"artifacts": page}}}

    def Run(self, given: dict[str, Any]) -> dict[str, Any]:
        there = given["name"] in self.runs
        return {"project": {"run": self.bucket(given["name"])["bucket"] | {"state": "finished"} if there else None}}

    def artifact(self, one: str) -> dict[str, Any]:
        """An artifact as the client asks for it."""
        sent = self.artifacts[int(one)]
        return {
            "id": one, "versionIndex": 0, "description": None, "metadata": None, "ttlDurationSeconds": -2,
            "ttlIsInherited": True, "tags": [], "historyStep": None, "state": "COMMITTED", "size": 0, "fileCount": 1,
            "digest": sent["digest"], "commitHash": "", "createdAt": "2026-01-01T00:00:00", "updatedAt": None,
            "artifactType": {"name": sent["artifactTypeName"]}, "aliases": [],
            "artifactSequence": {"name": sent["artifactCollectionName"], "project": PROJECT},
        }  # fmt: skip

    def bucket(self, name: str) -> dict[str, Any]:
        """A run as the client asks for it."""
        lines = self.history.get(name, [])
        bucket = {
            "id": f"id-{name}", "name": name, "displayName": name, "project": PROJECT, "sweepName": None, "tags": [],
            "config": self.runs[name].get("config", "{}"), "summaryMetrics": "{}", "wandbConfig": '{"t": 1}',
            "historyLineCount": len(lines), "eventsLineCount": 0, "logLineCount": 0,
            "historyTail": json.dumps([json.dumps(line) for line in lines[-1:]]), "eventsTail": "[]",
        }  # fmt: skip
        return PROJECT | {"bucket": bucket}


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"]))
        text = gzip.decompress(text) if self.headers.get("Content-Encoding") == "gzip" else text
        if self.path == "/graphql":
            request = json.loads(text)
            self.reply(self.server.answer(request["query"], request.get("variables") or {}))
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
