"""The doctor's table: on this machine with two real ranks, and what each check says of a machine that will not do."""

import json
import shutil
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from humpback_exp.config import TrackingConfig, TrainConfig
from humpback_exp.diagnosis import access, hardware, installation, ranks, storage
from humpback_exp.planning import machine
from humpback_exp.planning.machine import GIB
from humpback_exp.workflow.variants import whole_loop
from tests.conftest import ROOT, run
from tests.test_configs import composed

SMOKE = ("experiment=smoke", "hardware=cpu", "trainer.devices=2", "trainer.strategy=ddp", "engine=transformers")


def column(table: str, name: str) -> dict[str, str]:
    """check -> a column of the printed table, whose widths its second line shows."""
    head, dashes, *rows = table.splitlines()
    start = head.index(name)
    end = dashes.find(" ", start)
    width = dashes.index(" ")
    return {row[:width].strip(): row[start : end if end > 0 else None].strip() for row in rows}


def test_a_machine_that_will_do(tiny: str, tmp_path: Path) -> None:
    result = run("doctor.py", *SMOKE, f"output_root={tmp_path}/outputs")
    assert result.returncode == 0, result.stdout + result.stderr
    assert set(column(result.stdout, "state").values()) <= {"fine", "doubtful"}
    found = column(result.stdout, "found")
    assert found["locks"] == "exclude another process"
    assert found["renames"] == "atomic"
    assert found["model.path=models/tiny"] == "is there"
    assert any(name == "2 ranks, gloo" for name in found)
    assert list((tmp_path / "outputs").iterdir()) == []


def test_a_machine_that_will_not(tmp_path: Path) -> None:
    words = ["corpus.path=no-pages", "heldout=none.jsonl", f"output_root={tmp_path}"]
    result = run("doctor.py", "model=llama65b", *words, HF_HUB_OFFLINE="1")
    assert result.returncode == 1, result.stderr
    state, remedy = column(result.stdout, "state"), column(result.stdout, "remedy")
    assert state["GPUs of this node"] == state["ranks"] == state["heldout=none.jsonl"] == "broken"
    assert state["model.path=huggyllama/llama-65b"] == "doubtful"
    assert remedy["GPUs of this node"].startswith("8 GPUs of 74.8 GiB are needed")
    assert remedy["corpus.path=no-pages"] == "give the folder of your pages"
    assert remedy["judge"] == "name another judge, or set judge.may_judge_itself=true"


@pytest.mark.parametrize(("path", "state"), [("models", "fine"), ("none", "broken"), ("org/judge", "doubtful")])
def test_a_judge_is_looked_for_and_asked_whether_it_took_part(
    path: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    judged = path if path != "models" else str(tmp_path)
    plan = composed("plan", "model=llama65b", f"judge.path={judged}", f"output_root={tmp_path}")
    found = {each.check: each.state for each in access.check_access(plan, whole_loop(plan))}
    assert found[f"judge.path={judged}"] == state and "judge" not in found


def test_gpus_and_memory_are_held_against_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    training: TrainConfig = composed("train", "model=llama7b")
    need = training.trainer.devices
    for count, gib, state in ((need, 80, "fine"), (need - 1, 80, "broken"), (need, 16, "broken"), (0, 0, "broken")):
        monkeypatch.setattr(machine, "gpu_memories", lambda count=count, gib=gib: [gib * GIB] * count)
        assert hardware.check_gpus(training).state == state
    for free, state in ((2000 * GIB, "fine"), (GIB, "broken")):
        monkeypatch.setattr(machine, "host_memory", lambda free=free: free)
        assert hardware.check_main_memory(training).state == state


def test_a_package_outside_its_range_is_named_with_the_command() -> None:
    assert installation.outside_range(Requirement("numpy>=1")) is None
    old = installation.outside_range(Requirement("numpy<1"))
    assert old is not None and (old.check, old.remedy) == ("numpy", "pip install 'numpy<1'")
    none = installation.outside_range(Requirement("no-such-package>=2"))
    assert none is not None and none.found == "not installed"


def test_the_extras_of_a_loop_are_asked_for() -> None:
    plan = composed("plan", "model=llama65b", "executor=slurm", "executor.partition=gpu")
    assert installation.extras_of(plan) >= {"deepspeed", "slurm"}
    names = {requirement.name for requirement in installation.requirements({"deepspeed"})}
    assert "deepspeed" in names and "torch" in names and "ray" not in names


def test_a_lock_that_excludes_nobody_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert storage.check_locks(tmp_path).state == "fine"
    monkeypatch.setattr(storage.fcntl, "flock", lambda file, how: None)
    assert storage.check_locks(tmp_path).state == "broken"


def test_room_is_what_the_loop_holds_at_most(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    states = [storage.check_storage(str(tmp_path), 0, most)[-1].state for most in (free // 2, 2 * free)]
    assert states == ["fine", "broken"]


def test_the_key_of_wandb_is_asked_for_only_online_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    assert access.check_wandb(TrackingConfig(mode="offline")).state == "fine"
    assert access.check_wandb(TrackingConfig(mode="online")).state == "broken"
    monkeypatch.setenv("WANDB_API_KEY", "secret-key")
    found = access.check_wandb(TrackingConfig(mode="online"))
    assert found.state == "fine" and "secret-key" not in str(found)


def test_ranks_that_do_not_meet_are_told_from_slow_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = composed("train", "trainer=cpu", "trainer.devices=2", "trainer.strategy=ddp").trainer
    monkeypatch.setattr(ranks, "run_ranks", lambda result, count: 1)
    assert [each.state for each in ranks.check_ranks(trainer)] == ["broken"]

    def slow(result: Path, count: int) -> int:
        result.write_text(json.dumps({"ranks": count, "backend": "gloo", "speed": 1e6, "whole": True}))
        return 0

    monkeypatch.setattr(ranks, "run_ranks", slow)
    assert [each.state for each in ranks.check_ranks(trainer)] == ["fine", "doubtful"]
