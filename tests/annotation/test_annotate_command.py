"""`annotate.py` as a person starts it: what it refuses in one line, what it loses, and what it exports."""

import json
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from humpback_exp.annotation.items import study
from humpback_exp.annotation.store import TABLES
from humpback_exp.artifacts import load
from humpback_exp.config import AnnotateConfig
from humpback_exp.records import Annotation, read
from tests.annotation.evaluations import candidates, evaluation
from tests.conftest import ROOT, one_line_error, run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    evaluation(tmp_path, "base", [f"base says {n}" for n in range(4)])
    outcomes = ["win", "loss", "tie", "win"]
    evaluation(tmp_path, "m1", [f"m1 says {n}" for n in range(4)], reference="base", outcomes=outcomes)
    return tmp_path


@pytest.fixture
def links(root: Path) -> Iterator[dict[str, str]]:
    """The links of two raters, while the page is served."""
    command = [sys.executable, "annotate.py", "evals=m1,base", f"output_root={root}", "raters=2", "port=0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found: dict[str, str] = {}
        while "Ctrl-C" not in (line := server.stdout.readline()):
            assert line, "the server has not started"
            found |= dict(re.findall(r"(r\d+) +(http://\S+)", line))
        yield found
        server.send_signal(signal.SIGTERM)


def asked(address: str, **body: object) -> dict[str, object]:
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(address, data)) as answer:
        return dict(json.load(answer))


def test_half_way_killed_and_asked_twice_nothing_is_lost_or_doubled() -> None:
    done = run("benchmarks/annotate.py", 4, 6)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 raters, 6 items: 24 rows; lost 0, doubled 0, changed 0" in done.stdout


def test_what_people_judged_is_exported_with_its_figures(root: Path, links: dict[str, str]) -> None:
    for link in links.values():
        state = asked(f"{link}/item")
        while item := state["item"]:
            ours_first = item["texts"][0].startswith("m1")
            value = (1 if ours_first else -1) if item["prompt"] != "Question 1?" else 0
            state = asked(f"{link}/item/{item['id']}", value=value, reason=" ok ", seconds=2, revision=0)
    for tracking in ("offline", "none"):  # a second export writes the first anew
        done = run("annotate.py", "evals=m1,base", f"output_root={root}", "export=true", f"tracking={tracking}")
    assert done.returncode == 0, done.stderr
    rows = list(read(root / "annotations" / "people", Annotation))
    assert {(row.source, row.outcome) for row in rows} == {("p0", "win"), ("p1", "tie"), ("p2", "win"), ("p3", "win")}
    assert {(row.reason, row.seconds, *row.models) for row in rows} == {("ok", 2.0, "m1", "base")}
    assert {row.swapped for row in rows} == {True, False}
    manifest = load(root / "annotations" / "people")
    assert manifest.rows == {"judgements": 8, "screening": 0, "items": 4}
    assert set(manifest.inputs) == {"evals.0", "evals.1"}
    preference, judge, agreement = (manifest.metrics[name][0] for name in ("preference", "judge", "agreement"))
    assert (preference["win"], preference["tie"], preference["win rate"]) == (0.75, 0.25, 0.875)
    assert (judge["items"], judge["agreement"]) == (4, 0.5)
    assert agreement["alpha"] == agreement["mean kappa"] == 1.0
    assert list(root.glob("wandb/offline-run-*"))
    assert re.search(r"m1 +base +4 +8 +0\.750 \(0\.301 to 0\.954\)", done.stdout)


REFUSED = (
    (400, {"value": 2, "reason": "a", "seconds": 1, "revision": 0}),
    (400, {"value": True, "reason": "a", "seconds": 1, "revision": 0}),
    (400, {"value": 1, "reason": "  ", "seconds": 1, "revision": 0}),
    (400, {"value": 1, "reason": "a" * 4001, "seconds": 1, "revision": 0}),
    (400, {"value": 1, "reason": "a", "seconds": -1, "revision": 0}),
    (400, {"value": 1, "reason": "a", "seconds": 1, "revision": 2**63}),
    (400, {"value": 1, "reason": "a"}),
    (413, {"value": 1, "reason": "a" * 70_000, "seconds": 1, "revision": 0}),
)


def test_what_cannot_be_kept_is_refused(root: Path, links: dict[str, str]) -> None:
    item = asked(f"{links['r1']}/item")["item"]["id"]
    for status, body in REFUSED:
        with pytest.raises(urllib.error.HTTPError) as refused:
            asked(f"{links['r1']}/item/{item}", **body)
        assert refused.value.code == status, body
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(f"{links['r1']}/item/{item}", b"[" * 60_000)
    assert asked(f"{links['r1']}/item")["done"] == 0
    with sqlite3.connect(root / "annotations" / "people.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(urllib.error.HTTPError, match="503"):  # which the page takes for a lost connection
            asked(f"{links['r1']}/item/{item}", value=1, reason="a", seconds=1, revision=0)
        other.execute("ROLLBACK")
    assert asked(f"{links['r1']}/item/{item}", value=1, reason="a", seconds=1, revision=0)["done"] == 1
    for path in ("", "/item"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            asked(links["r1"][:-1] + path)


def test_labels_become_a_file_that_selectors_are_measured_against(tmp_path: Path) -> None:
    folder = candidates(tmp_path, ["first text", "second text", "dropped text"])
    options = ("evals=[]", f"candidates={folder}", f"output_root={tmp_path}")
    assert "nothing is judged yet" in one_line_error(run("annotate.py", *options, "export=true"))
    assert not (tmp_path / "annotations").exists()  # so that the page may still be given other settings
    (tmp_path / "annotations").mkdir()
    database = sqlite3.connect(tmp_path / "annotations" / "people.sqlite")
    database.executescript(TABLES)
    items = {item.source: item.id for item in study(AnnotateConfig(candidates=folder)).work}
    for rater, source, value in (("r1", "c0", 5), ("r2", "c0", 1), ("r1", "c1", 5)):
        row = (rater, items[source], value, 0, f"{rater} says so", 1.0, 1, "2026-01-01")
        database.execute("INSERT INTO judgement VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    database.commit()
    assert run("annotate.py", *options, "export=true", "tracking=none").returncode == 0
    lines = (tmp_path / "annotations" / "people" / "labelled_pairs.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in sorted(lines)] == [
        {"id": "c0", "instruction": "Ask 0", "output": "first text", "label": 3.0, "reason": "r1 says so / r2 says so"},
        {"id": "c1", "instruction": "Ask 1", "output": "second text", "label": 5.0, "reason": "r1 says so"},
    ]


def test_a_user_s_mistakes_are_one_line(root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = one_line_error(run("annotate.py", "evals=m1,base", f"output_root={root}", f"port={port}"))
    assert said == f"port={port}: 127.0.0.1:{port} is in use; give another port=, or port=0 for a free one"
    said = one_line_error(run("annotate.py", "evals=m1", f"output_root={root}"))
    assert said.startswith(f"evals={root}/evals/m1: give two or more evaluations")
    assert "nothing is judged yet" in one_line_error(
        run("annotate.py", "evals=m1,base", f"output_root={root}", "export=true")
    )
    said = one_line_error(run("annotate.py", "evals=base,m1", f"output_root={root}", "name=people"))
    assert said.startswith(
        f"{root}/annotations/people.sqlite: holds judgements of {root}/evals/m1 against {root}/evals/base"
    )
    said = one_line_error(run("annotate.py", "evals=m1,base", f"output_root={root}", "items=2"))
    assert ", items=None, seed=0), not of " in said and ", items=2, seed=0); choose" in said
    assert said.endswith("choose another name=, or delete it, since nothing is judged in it yet")
