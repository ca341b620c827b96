"""Interrupted in any way, a training goes on from its last good checkpoint and ends as the unbroken one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from humpback_exp.modeling.checkpoint import reshard
from humpback_exp.modeling.checkpoint.save import read_metadata
from tests.conftest import ROOT
from tests.modeling.conftest import (
    KINDS,
    OFTEN,
    SETTINGS,
    Trainings,
    children,
    distance,
    losses,
    one_line,
    step,
    weights,
)

pytestmark = pytest.mark.slow
TWO = ["plain", "ddp", "zero3"]


def same(ours: Path, theirs: Path) -> bool:
    return losses(ours) == losses(theirs) and weights(ours) == weights(theirs)


@pytest.mark.parametrize("kind", TWO)
def test_killed_twice_in_an_epoch(trainings: Trainings, tmp_path: Path, kind: str) -> None:
    """The second time while step 4 is being saved: it does not count, and its remains are not in the way."""
    trainings.killed(tmp_path, kind, step(1))
    folder = trainings.killed(tmp_path, kind, f".{step(4)}.tmp")
    assert sorted(p.name for p in (folder / "checkpoints").glob("step-*"))[-1] in (step(3), step(4))
    trainings.run(tmp_path, kind, OFTEN)
    assert same(folder, trainings.unbroken(kind))


def test_killed_after_every_step(trainings: Trainings, tmp_path: Path) -> None:
    for number in range(1, 7):
        folder = trainings.killed(tmp_path, "plain", step(number))
        assert len(list((folder / "checkpoints").glob("step-*"))) <= 3  # two, and one that was about to be removed
    trainings.run(tmp_path, "plain", OFTEN)
    assert same(folder, trainings.unbroken("plain"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("zero3", "zero3 on one"),
        ("zero3 on one", "zero3"),
        ("zero3", "plain"),
        ("plain", "zero3"),
        ("zero3", "ddp"),
        ("ddp", "plain"),
    ],
)
def test_resumed_on_other_ranks(trainings: Trainings, tmp_path: Path, written: str, read: str) -> None:
    root = trainings.copy(tmp_path / "other", written)
    folder, said = trainings.run(root, read), trainings.said
    assert losses(folder) == pytest.approx(losses(trainings.unbroken(written)), rel=1e-5)
    assert distance(folder, trainings.unbroken(written)) < 2e-4
    assert said.count("through DeepSpeed's universal checkpoint") == read.startswith("zero3")
    assert not list((folder / "checkpoints").glob(".*"))


def test_lora_resumed_on_other_ranks(trainings: Trainings, tmp_path: Path) -> None:
    """A checkpoint holds what is trained only; the base is loaded again."""
    root = trainings.copy(tmp_path / "other", "zero3", "adapter=lora")
    files = read_metadata(root / "models/m0/checkpoints" / step(2)).files
    assert sum(mark.size for mark in files.values()) < 500_000
    folder = trainings.run(root, "zero3 on one", "adapter=lora")
    assert losses(folder) == pytest.approx(losses(trainings.unbroken("zero3", "adapter=lora")), rel=1e-5)


def test_killed_while_converting(trainings: Trainings, tmp_path: Path) -> None:
    root = trainings.copy(tmp_path / "other", "zero3")
    folder = trainings.killed(root, "zero3 on one", f".{step(2).removesuffix('.ckpt')}.universal.tmp/checkpoint/zero")
    trainings.run(root, "zero3 on one")
    assert losses(folder) == pytest.approx(losses(trainings.unbroken("zero3")), rel=1e-5)


def test_the_universal_checkpoint_is_deepspeeds(trainings: Trainings, tmp_path: Path) -> None:
    from deepspeed.checkpoint import ds_to_universal

    path = trainings.broken("zero3") / "models/m0/checkpoints" / step(2)
    for rank in range(3):
        reshard._convert(path, read_metadata(path), tmp_path / "ours", rank, ranks=3)
    options = {"num_extract_workers": 1, "num_merge_workers": 1, "keep_temp_folder": False, "strict": True}
    ds_to_universal.main(
        Namespace(input_folder=str(path / "checkpoint"), output_folder=str(tmp_path / "theirs"), **options)
    )
    files = {f.relative_to(tmp_path / "theirs") for f in (tmp_path / "theirs/zero").glob("*/*.pt")}
    assert len(files) == 20 * 3 and files == {
        f.relative_to(tmp_path / "ours") for f in (tmp_path / "ours/zero").glob("*/*.pt")
    }
    for file in files:
        assert torch.equal(torch.load(tmp_path / "ours" / file), torch.load(tmp_path / "theirs" / file)), file


def truncate(checkpoint: Path) -> str:
    file = largest(checkpoint)
    os.truncate(file, file.stat().st_size - 1)
    return f"{file.name} has {file.stat().st_size} bytes instead of {file.stat().st_size + 1}"


def flip(checkpoint: Path) -> str:
    file = largest(checkpoint)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    return f"{file.name} has other bytes than were written"


def lose(checkpoint: Path) -> str:
    file = largest(checkpoint)
    file.unlink()
    return f"{file.name}: No such file or directory"


def blank(checkpoint: Path) -> str:
    (checkpoint / "checkpoint.json").write_text("")
    return "no readable checkpoint.json"


def largest(checkpoint: Path) -> Path:
    return max((f for f in checkpoint.rglob("*") if f.is_file()), key=lambda f: (f.stat().st_size, f.name))


@pytest.mark.parametrize("kind", ["plain", "zero3"])
@pytest.mark.parametrize("damage", [truncate, flip, lose, blank])
def test_the_one_before_a_damaged_checkpoint_is_used(trainings: Trainings, tmp_path: Path, kind: str, damage) -> None:
    if kind == "zero3" and damage in (truncate, blank):
        pytest.skip("one look at sizes and one at sums are enough for two ranks")
    root = trainings.copy(tmp_path / "mine", kind)
    wrong = damage(root / "models/m0/checkpoints" / step(2))
    folder = trainings.run(root, kind)
    (line,) = [line for line in trainings.said.splitlines() if "damaged (" in line]
    assert wrong in line and line.endswith("the one before is used")
    assert f"goes on from {step(1)}" in trainings.said
    assert same(folder, trainings.unbroken(kind))


def test_every_checkpoint_damaged(trainings: Trainings, tmp_path: Path) -> None:
    root = trainings.copy(tmp_path / "mine", "plain")
    for number in (1, 2):
        truncate(root / "models/m0/checkpoints" / step(number))
    for _ in range(2):
        ended = trainings.start(root, "plain").wait()
        assert "every checkpoint is damaged (step-000002.ckpt: state.ckpt has" in one_line(ended)
        assert f"delete {root}/models/m0/checkpoints to start from the base model" in one_line(ended)


def test_a_checkpoint_of_another_run(trainings: Trainings, tmp_path: Path) -> None:
    root = trainings.copy(tmp_path / "mine", "plain")
    other = trainings.killed(tmp_path / "other", "plain", step(3), "optim.clip=0.25", "seed=1")
    shutil.copytree(other / "checkpoints" / step(3), root / "models/m0/checkpoints" / step(3))
    said = one_line(trainings.start(root, "plain").wait())
    assert f"{step(3)}: made by another config (optim.clip=0.25 there, 0.5 here; seed=1 there, 0 here)" in said


def test_a_checkpoint_of_another_shape(trainings: Trainings, tmp_path: Path) -> None:
    """A model on the Hub may change under its name, which no fingerprint shows."""
    root = trainings.copy(tmp_path / "mine", "zero3")
    file = root / "models/m0/checkpoints" / step(2) / "checkpoint.json"
    facts = json.loads(file.read_text())
    facts["parameters"]["model.model.norm.weight"] = [32]
    file.write_text(json.dumps(facts))
    said = one_line(trainings.start(root, "zero3").wait())
    assert f"{step(2)}: of another model (model.model.norm.weight is [32] there, [64] here)" in said


@pytest.mark.parametrize(
    ("kind", "signum"), [("plain", signal.SIGTERM), ("ddp", signal.SIGUSR1), ("zero3", signal.SIGTERM)]
)
def test_a_signal_to_one_rank_saves_and_stops_all(trainings: Trainings, tmp_path: Path, kind: str, signum: int) -> None:
    """Whichever step is running when it comes; the last rank alone gets it."""
    run = trainings.start(tmp_path, kind, "trainer.checkpoint_every=100")
    run.when(tmp_path / "models/m0/begun.json")
    while "goes on" not in run.said and "step 1 of 6" not in run.said:
        time.sleep(0.002)
    run.kill(signum, slice(-1, None)).wait()
    assert set(run.codes) == {128 + signum}, run.said
    folder = tmp_path / "models/m0"
    (kept,) = (folder / "checkpoints").iterdir()
    number = int(kept.stem.removeprefix("step-"))
    name = signal.Signals(signum).name
    assert f"train m0: {name}, saved after step {number} of 6" in run.said
    assert run.said.count(f"{name}; what was finished is kept, the same command goes on from there") == 1
    trainings.run(tmp_path, kind)
    assert f"goes on from {kept.name}" in trainings.said
    assert same(folder, trainings.unbroken(kind))


def test_a_signal_to_the_command_reaches_its_ranks(trainings: Trainings, tmp_path: Path) -> None:
    """As a user or a scheduler sends it, to the one process they know of; it waits for the save."""
    command = [sys.executable, *SETTINGS, f"output_root={tmp_path}", *KINDS["zero3"], OFTEN]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not (tmp_path / "models/m0/checkpoints" / step(1)).exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    ranks = children(process.pid)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGTERM and len(ranks) == 2
    assert said.count("SIGTERM; what was finished is kept, the same command goes on from there") == 1
    assert not any(Path(f"/proc/{pid}").exists() for pid in ranks) and "Traceback" not in said
    folder = trainings.run(tmp_path, "zero3")
    assert same(folder, trainings.unbroken("zero3"))
