"""An evaluation opens no connection beyond this machine, also where nobody has told the Hub's library to stay offline."""

import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, run

pytest.importorskip("lm_eval", reason="lm-eval is not installed (extra eval)")
WATCH = """
import os, socket

def noted(host):
    if str(host) not in ("127.0.0.1", "::1", "localhost"):
        with open(os.environ["CONNECTIONS"], "a") as file:
            file.write(f"{host}\\n")
        raise OSError("no network in this test")

def watching(call):
    def watched(self, address, *rest):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            noted(address[0])
        return call(self, address, *rest)
    return watched

looked_up = socket.getaddrinfo
def getaddrinfo(host, *rest, **named):
    noted(host)
    return looked_up(host, *rest, **named)

socket.socket.connect = watching(socket.socket.connect)
socket.socket.connect_ex = watching(socket.socket.connect_ex)
socket.getaddrinfo = getaddrinfo
"""


def watched(tmp_path: Path, *words: str) -> str:
    """What a command tried to reach beyond this machine, a line each."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    connections = tmp_path / "connections"
    connections.touch()
    environment = {"PYTHONPATH": str(tmp_path), "CONNECTIONS": str(connections), "HF_HUB_OFFLINE": "0"}
    result = run(*words, **environment)
    assert result.returncode == 0, result.stderr
    return connections.read_text()


@pytest.mark.slow
def test_no_measurement_leaves_this_machine(tiny: str, tmp_path: Path) -> None:
    question = {"goal": "Open it.", "sol1": "Turn it.", "sol2": "Eat it.", "label": 0}
    asked = {"key": 1, "prompt": "No commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    for name, row in (("piqa/validation", question), ("ifeval/train", asked)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row))
    (tmp_path / "prompts.jsonl").write_text('{"instruction": "Name a river."}')
    said = watched(
        tmp_path,
        "evaluate.py", "tracking=none", f"output_root={tmp_path}", f"model_path={tiny}", f"judge.path={tiny}", "judge.prompts=1",
        "judge.may_judge_itself=true", f"heldout={ROOT}/examples/heldout.jsonl", f"sensitive={tmp_path}/prompts.jsonl",
        "evaluations=[heldout,judge,safety,piqa,ifeval]", f"benchmarks.data={tmp_path}", "generation.max_new_tokens=4",
        "generation.unfinished=keep", "engine.dtype=float32",
    )  # fmt: skip
    assert said == ""


def test_the_watch_sees_a_connection(tmp_path: Path) -> None:
    calls = "import socket\ntry: socket.create_connection(('192.0.2.1', 80))\nexcept OSError: pass"
    assert watched(tmp_path, "-c", calls) == "192.0.2.1\n"
