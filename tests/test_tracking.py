"""What W&B would be sent, read back from the offline records with W&B's own tool."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from humpback_exp import artifacts
from tests.conftest import run

SECRET = "0123456789abcdef0123456789abcdef01234567"


def records(root: Path) -> list[dict]:
    """All records of all offline runs below an output root."""
    found = []
    for log in sorted(root.glob("wandb/offline-run-*/*.wandb")):
        tool = str(Path(sys.executable).with_name("wandb"))
        text = subprocess.run(
            [tool, "leet", "inspect", "--json", str(log)], capture_output=True, text=True, check=True
        ).stdout
        found += [json.loads(line) for line in text.splitlines()]
    return found


def of(rows: list[dict], kind: str) -> list[dict]:
    return [row[kind] for row in rows if row["type"] == kind]


@pytest.fixture(scope="module")
def root(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracked")
    command = [
        "train.py", "experiment=m0", "model=tiny", "tracking=offline", "tracking.group=loop", f"output_root={folder}",
        "optim.max_steps=3", "trainer.micro_batch=8", "trainer.precision=fp32",
    ]  # fmt: skip
    result = run(*command, WANDB_API_KEY=SECRET)
    assert result.returncode == 0, result.stderr
    return folder


def test_a_stage_is_one_run_with_group_type_and_config(root: Path) -> None:
    (begun,) = of(records(root), "run")
    manifest = artifacts.load(root / "models/m0")
    place = f"{manifest.fingerprint}:{root / 'models/m0'}"
    assert begun["run_id"] == hashlib.sha256(place.encode()).hexdigest()[:32]
    assert (begun["run_group"], begun["job_type"], begun["display_name"]) == ("loop", "train", "m0")
    config = begun["config"]["update"]
    assert config["optim"]["lr"] == 1e-5 and config["model"]["layers"] == 2
    assert config["inputs"]["model.path"] == manifest.inputs["model.path"]
    assert config["git_commit"] == manifest.git_commit


def test_every_step_and_the_summary_are_there(root: Path) -> None:
    rows = records(root)
    steps = {row["step"]["num"]: row["item"] for row in of(rows, "history")}
    lines = (root / "models/m0/history.csv").read_text().splitlines()[1:]
    assert {step: item["loss"] for step, item in steps.items()} == {
        int(x.split(",")[0]): float(x.split(",")[1]) for x in lines
    }
    speed = {"tokens_per_second", "labelled_tokens_per_second", "padding_share", "peak_memory_gib", "flop_utilisation"}
    assert all(speed <= item.keys() and item["padding_share"] == 0 for item in steps.values())
    summary = {key: value for row in of(rows, "summary") for key, value in row["update"].items()}
    assert summary["rows"] == {"examples": 120, "seed": 120, "web": 0}
    assert speed <= summary.keys() and summary["labelled_tokens_per_second"] < summary["tokens_per_second"]


def test_the_folder_is_an_artifact_of_small_files(root: Path) -> None:
    (artifact,) = of(records(root), "artifact")
    manifest = artifacts.load(root / "models/m0")
    assert (artifact["name"], artifact["type"]) == ("models-m0", "models")
    assert set(artifact["aliases"]) == {"latest", manifest.fingerprint[:12]}
    assert [item["path"] for item in artifact["manifest"]["contents"]] == ["config.yaml", "manifest.json"]


def test_no_key_is_written_anywhere(root: Path) -> None:
    assert not [path for path in root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_candidates_are_sampled_into_a_table(smoke: Path, tmp_path: Path) -> None:
    command = [
        "augment.py", "tracking=offline", f"output_root={tmp_path}", f"segments={smoke}/segments/web", "limit=3",
        f"model_path={smoke}/models/backward", "generation.max_new_tokens=4", "engine.dtype=float32",
    ]  # fmt: skip
    assert run(*command).returncode == 0
    (table,) = tmp_path.glob("wandb/offline-run-*/files/media/table/candidates_*.table.json")
    held = json.loads(table.read_text())
    assert held["columns"] == ["id", "url", "instruction", "output", "dropped"]
    assert len(held["data"]) == 3


def test_tracking_none_writes_nothing(smoke: Path) -> None:
    assert not (smoke / "wandb").exists()
