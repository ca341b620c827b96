"""The whole loop with real parts: done once, skipped the second time, the same bytes after a kill anywhere."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from humpback_exp import artifacts
from humpback_exp.config import AugmentConfig
from humpback_exp.config import read as read_config
from humpback_exp.records import Candidate, ScoredCandidate, read
from tests.conftest import ROOT, SHARED, listens, one_line_error, run

pytestmark = pytest.mark.slow
FOLDERS = [
    "segments/web", "models/backward", "candidates/web", "evals/base", "models/m0", "evals/m0",
    "gates/m0-likelihood-forward-*", "scored/m0", "curated/m0-top0.5", "models/m1", "evals/m1",
    "gates/m1-likelihood-forward-*", "scored/m1", "curated/m1-top0.5", "models/m2", "evals/m2",
]  # fmt: skip


def hashes(root: Path) -> dict[str, dict[str, str]]:
    return {
        path.relative_to(root).as_posix(): artifacts.load(path).files for name in FOLDERS for path in root.glob(name)
    }


def pipeline(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return run("pipeline.py", "experiment=smoke", f"output_root={root}", *arguments)


def killed_when(path: Path, *command: object) -> None:
    """Start a command and kill -9 it, and it alone, once `path` exists; its children must not survive it."""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not list(path.parent.glob(path.name)):
        assert process.poll() is None, f"ended before {path} was there"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_the_loop_finishes_every_stage(smoke: Path) -> None:
    made = hashes(smoke)
    assert len(made) == len(FOLDERS) and all(files for files in made.values())
    assert artifacts.load(smoke / "candidates/web").rows["segments"] == 16
    assert (
        artifacts.load(smoke / "models/m1").rows["web"] == artifacts.load(smoke / "curated/m0-top0.5").rows["curated"]
    )


def test_a_second_run_does_nothing_again(smoke: Path) -> None:
    times = {p: p.stat().st_mtime_ns for p in smoke.rglob("manifest.json")}
    result = pipeline(smoke)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("finished already, skipped") == len(FOLDERS)
    assert times == {p: p.stat().st_mtime_ns for p in smoke.rglob("manifest.json")}


def test_every_model_starts_from_the_base(smoke: Path) -> None:
    starts = {
        artifacts.load(smoke / "models" / name).inputs["model.path"]["fingerprint"] for name in ("m0", "m1", "m2")
    }
    assert len(starts) == 1


def test_fingerprints_chain_from_model_to_segments(smoke: Path) -> None:
    def source(name: str, key: str) -> str:
        return artifacts.load(smoke / name).inputs[key]["fingerprint"]

    assert source("models/m2", "data.scored") == artifacts.load(smoke / "scored/m1").fingerprint
    assert source("scored/m1", "candidates") == artifacts.load(smoke / "candidates/web").fingerprint
    assert source("candidates/web", "segments") == artifacts.load(smoke / "segments/web").fingerprint
    assert source("candidates/web", "model_path") == artifacts.load(smoke / "models/backward").fingerprint


def test_ids_chain_from_scored_pair_to_page(smoke: Path) -> None:
    row = next(read(smoke / "scored/m1", ScoredCandidate))
    page = (ROOT / "examples/pages" / row.url).read_bytes()
    assert re.match(rb"<h[1-6]", page[row.offset :])


@pytest.mark.parametrize(
    ("folder", "sign"),
    [
        ("models/backward", "checkpoints/step-000002.ckpt"),
        ("candidates/web", "data/00001.parquet"),
        ("scored/m0", "data/00000.parquet"),
        ("models/m2", "checkpoints/step-000002.ckpt"),
        ("evals/m1", "data/00000.parquet"),
    ],
)
def test_killed_in_the_middle_and_run_again(smoke: Path, tmp_path: Path, folder: str, sign: str) -> None:
    root = tmp_path / "outputs"
    shutil.copytree(smoke, root)
    shutil.rmtree(root / folder)
    killed_when(root / folder / sign, "pipeline.py", "experiment=smoke", f"output_root={root}")
    assert not (root / folder / "manifest.json").exists()
    again = pipeline(root)
    assert again.returncode == 0, again.stderr
    assert "to be resumed" in again.stdout
    assert hashes(root) == hashes(smoke)


def test_two_workers_write_the_same_candidates_and_scores(smoke: Path, tmp_path: Path) -> None:
    root = tmp_path / "outputs"
    shutil.copytree(smoke, root)
    for folder in ("candidates/web", "scored/m0", "scored/m1"):
        shutil.rmtree(root / folder)
    result = pipeline(root, "executor.workers=2")
    assert result.returncode == 0, result.stderr
    assert hashes(root) == hashes(smoke)


def test_written_ratings_killed_and_run_again(smoke: Path, tmp_path: Path) -> None:
    """Temperature sampling, re-asks and all; a random model writes nothing readable, which is kept too."""
    command = [
        "curate.py", "tracking=none", "scorer=generated", "attempts=2", "chunk_size=4", "name=m0", "min_score=null",
        "compare=2", "gate.pairs=2", "gate.min_readable=0", "gate.min_auc=0",
        f"candidates={smoke}/candidates/web", f"model_path={smoke}/models/m0", "engine.dtype=float32",
        "generation.max_new_tokens=12",
    ]  # fmt: skip
    killed_when(tmp_path / "broken/scored/m0/data/00001.parquet", *command, f"output_root={tmp_path}/broken")
    for name in ("broken", "whole"):
        result = run(*command, f"output_root={tmp_path}/{name}")
        assert result.returncode == 0, result.stderr
    broken, whole = (artifacts.load(tmp_path / name / "scored/m0") for name in ("broken", "whole"))
    assert broken.files == whole.files
    rows = list(read(tmp_path / "whole/scored/m0", ScoredCandidate))
    assert (
        whole.rows["candidates"] == len(rows) == sum(whole.rows.get(k, 0) for k in ("scored", "re-asked", "abandoned"))
    )
    assert all(row.outcome == "abandoned" and len(row.raw) == 2 and row.raw[0] != row.raw[1] for row in rows)
    assert artifacts.load(tmp_path / "whole/curated/m0-all").rows["curated"] == len(rows)


def augment_again(smoke: Path, root: Path) -> list[str]:
    config = read_config(smoke / "candidates/web/config.yaml", AugmentConfig)
    return [
        "augment.py", "tracking=none", f"output_root={root}", f"segments={smoke}/segments/web",
        f"model_path={smoke}/models/backward", f"limit={config.limit}", f"chunk_size={config.chunk_size}",
        "generation.max_new_tokens=12", "generation.unfinished=keep", "engine.dtype=float32", "engine.batch_size=8",
    ]  # fmt: skip


def test_a_forward_model_writes_no_instructions(smoke: Path, tmp_path: Path) -> None:
    command = [part for part in augment_again(smoke, tmp_path) if not part.startswith("model_path")]
    result = run(*command, f"model_path={smoke}/models/m0")
    assert "m0: a forward model; give one trained with experiment=backward" in one_line_error(result)
    result = run(*augment_again(smoke, tmp_path), "tagged=false")
    assert "tagged=False: the model was trained with data.tagged=True" in one_line_error(result)


def test_a_reference_without_answers_is_refused_before_the_work(smoke: Path, tmp_path: Path) -> None:
    command = ["evaluate.py", "tracking=none", f"output_root={tmp_path}", "engine.dtype=float32"]
    first = run(*command, "name=m0", f"model_path={smoke}/models/m0")
    assert first.returncode == 0, first.stderr
    arguments = [*command, "name=m1", f"model_path={smoke}/models/m1", f"reference={tmp_path}/evals/m0"]
    result = run(*arguments, f"judge.path={smoke}/models/m2")
    assert "holds no answers; evaluate it with judge.path= set, too" in one_line_error(result)
    assert run(*arguments).returncode == 0
    assert "heldout_change" in artifacts.load(tmp_path / "evals/m1").metrics


@contextmanager
def full(folder: Path, aside: Path) -> Iterator[None]:
    """Inside, the folder holds what it held on a disk of its own, of which nothing is left."""
    shutil.copytree(folder, aside)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        with pytest.raises(OSError, match="No space"), (folder / "other").open("wb", buffering=0) as other:
            while True:
                other.write(bytes(4096))
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_no_finished_chunk(smoke: Path, tmp_path: Path) -> None:
    command, folder = augment_again(smoke, tmp_path), tmp_path / "candidates/web"
    killed_when(folder / "data/00000.parquet", *command)
    kept = (folder / "data/00000.parquet").stat().st_mtime_ns
    with full(folder / "checkpoints", tmp_path / "aside"):
        assert "no space left on the disk; free some, the same command goes on" in one_line_error(run(*command))
    assert run(*command).returncode == 0
    assert (folder / "data/00000.parquet").stat().st_mtime_ns == kept
    assert artifacts.load(folder).files == artifacts.load(smoke / "candidates/web").files


def test_ctrl_c_says_that_the_same_command_goes_on(smoke: Path, tmp_path: Path) -> None:
    root = tmp_path / "outputs"
    shutil.copytree(smoke, root)
    shutil.rmtree(root / "models/m1")
    command = [sys.executable, "pipeline.py", "experiment=smoke", f"output_root={root}", "trainer.checkpoint_every=1"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=listens,
    )
    while not list((root / "models/m1/checkpoints").glob("step-*.ckpt")):
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: the whole foreground group
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said and "Traceback" not in said
    assert pipeline(root).returncode == 0
    assert hashes(root) == hashes(smoke)


def test_another_setting_in_the_same_place_is_refused(smoke: Path) -> None:
    result = pipeline(smoke, "generation.temperature=0.5")
    assert "generation.temperature=0.7 there, 0.5 here" in one_line_error(result)


def test_damaged_scored_data_is_named_and_nothing_else_is_lost(smoke: Path, tmp_path: Path) -> None:
    root = tmp_path / "outputs"
    shutil.copytree(smoke, root)
    shutil.rmtree(root / "models/m1")
    shutil.rmtree(root / "cache")  # else nothing would be read from the damaged folder
    (root / "scored/m0/data/00000.parquet").write_bytes(b"PAR1")
    result = pipeline(root)
    assert f"{root}/scored/m0/data/00000.parquet: missing or damaged; delete {root}/scored/m0" in one_line_error(result)
    shutil.rmtree(root / "scored/m0")
    assert pipeline(root).returncode == 0
    assert hashes(root) == hashes(smoke)


def test_the_loop_runs_on_open_assistant_pairs(tiny: str, tmp_path: Path) -> None:
    seed = SHARED / "open_assistant" / "en_100_tree.jsonl"
    if not seed.exists():
        pytest.skip(f"{seed}: not here")
    result = pipeline(tmp_path, f"data.seed_path={seed}", "iterations=1", "data.overlong=right")
    assert result.returncode == 0, result.stderr
    assert artifacts.load(tmp_path / "models/backward").rows["seed"] in (93, 94)
    assert artifacts.load(tmp_path / "models/m1").rows["web"] > 0
    assert pq.read_table(tmp_path / "candidates/web/data/00000.parquet").num_rows == 4
    assert json.loads((tmp_path / "evals/m1/manifest.json").read_text())["metrics"]["heldout_loss"] > 0
    assert all(isinstance(row, Candidate) for row in read(tmp_path / "candidates/web", Candidate))
