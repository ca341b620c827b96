"""docs/reproduce.md works: all its commands run at toy size, one of them killed on the way, and end in M2 and its page."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, run
from tests.rehearsal.walk import at_toy_size, lines, prepared, walk, walked

FOLDERS = {
    "segments/web", "models/backward", "models/m0", "candidates/web", "scored/m0", "curated/m0-a4.5", "models/m1",
    "scored/m1", "curated/m1-a4.5", "models/m2", "evals/m0", "evals/m2",
}  # fmt: skip
NO_COMMANDS = ("mkdir ", "cp ", ". ")


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_page_leads_from_nothing_to_m2(tmp_path: Path) -> None:
    made = run("-m", "humpback_exp.modeling.demo_models", "rehearsal", ROOT / "models/rehearsal")
    assert made.returncode == 0, made.stderr
    walk(tmp_path / "page")
    root, other = (tmp_path / "page" / model / "outputs" / model for model in ("llama65b", "llama33b"))
    assert finished(root) >= FOLDERS
    assert (root / "report.html").exists()
    m1, m2 = (json.loads((root / f"models/{name}/manifest.json").read_text()) for name in ("m1", "m2"))
    assert (m1["rows"]["seed"], m2["rows"]["seed"]) == (120, 120)
    assert m1["rows"]["web"] > 0 and m2["rows"]["web"] > 0
    assert m1["inputs"]["data.scored"]["path"].endswith("scored/m0")
    assert m2["inputs"]["data.scored"]["path"].endswith("scored/m1")
    assert finished(other) == {"segments/web", "models/backward", "candidates/web"}
    assert (heads(root / "models/m2"), heads(other / "models/backward")) == (64, 52)


def finished(root: Path) -> set[str]:
    return {str(path.parent.relative_to(root)) for path in root.rglob("manifest.json")} & FOLDERS


def heads(model: Path) -> int:
    return json.loads((model / "config.json").read_text())["num_attention_heads"]


def test_every_line_of_the_page_is_walked_at_toy_size() -> None:
    assert set(lines()) == {*walked("llama65b"), *walked("llama33b")}
    commands = [line for line in lines() if not line.startswith(NO_COMMANDS)]
    assert len(commands) == 14
    for line in commands:
        assert ("+rehearsal=" in at_toy_size(line)) == ("report.py" not in line), line


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_training_that_runs_out_of_time_queues_itself_again(tiny: str, tmp_path: Path) -> None:
    """Slurm sends SIGUSR1 to the ranks before the end of a job's time; they save, and the script puts the job back."""
    environment = prepared(tmp_path / "page")
    folder, state = tmp_path / "page/outputs/models/m0", tmp_path / "page/state"
    job = [
        "sbatch",
        "--nodes=2",
        "--ntasks-per-node=1",
        "jobs/train.sbatch",
        "experiment=m0",
        "model=tiny",
        "tracking=none",
    ]
    job += [
        "trainer.strategy=ddp",
        "trainer.nodes=2",
        "trainer.precision=fp32",
        "optim.max_steps=40",
        "trainer.checkpoint_every=2",
    ]
    subprocess.run(job, cwd=tmp_path / "page", env=environment, check=True)
    wait_until(lambda: any((folder / "checkpoints").glob("*.ckpt")))
    for rank in ranks_of(int((state / "task-1").read_text())):
        os.kill(rank, signal.SIGUSR1)
    wait_until(lambda: (state / "ended-1").exists())
    log = next(tmp_path.glob("page/logs/*.log")).read_text()
    assert (state / "ended-1").read_text() == "0" and (folder / "manifest.json").exists(), log
    assert "SIGUSR1, saved after step " in log and "train m0: goes on from step-0000" in log
    assert "Traceback" not in log


def wait_until(there) -> None:
    deadline = time.monotonic() + 200
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ranks_of(session: int) -> list[int]:
    """The processes of a job that run train.py."""
    found = subprocess.run(["ps", "-s", str(session), "-o", "pid=,args="], capture_output=True, text=True).stdout
    rows = (line.split() for line in found.splitlines())
    return [int(words[0]) for words in rows if words[2:3] == ["train.py"]]
