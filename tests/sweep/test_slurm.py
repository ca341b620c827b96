"""Points on a cluster: a Slurm whose nodes are processes really runs them, is interrupted, loses them, takes them back."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.errors import PointFailed
from humpback_exp.sweep import runner, slurm
from tests.conftest import ROOT, one_line_error, run
from tests.modeling.conftest import KINDS, SETTINGS, Trainings, losses, trainings, warm, weights  # noqa: F401
from tests.sweep.test_runner import descendants, segments

pytestmark = pytest.mark.slow
SLURM = "hydra/launcher=submitit_slurm"


def command(root: Path, *words: str) -> list[str]:
    return [
        "segment.py", "-m", "name=a,b,c", "corpus.path=examples/pages", "workers=1", "tracking=none", f"output_root={root}", *words,
    ]  # fmt: skip


def submissions(controller: Path) -> int:
    return len((controller / "submitted").read_text().splitlines())


def until_there(driver: "subprocess.Popen[str]", file: Path) -> None:
    """Wait for a file that a running command or its jobs make."""
    while not file.exists():
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.01)


def driver_killed(line: list[str], file: Path) -> None:
    """A command that is killed as soon as its jobs have made a file."""
    driver = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until_there(driver, file)
    driver.kill()
    driver.communicate()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a point from starting: its job waits for the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("launcher", ["submitit_local", "submitit_slurm"])
def test_only_what_is_not_finished_is_submitted(tmp_path: Path, controller: Path, launcher: str) -> None:
    line = command(tmp_path)
    assert run(*line[:2], "name=a", *line[3:]).returncode == 0
    blocked = tmp_path / "segments/b"
    blocked.mkdir(parents=True)
    (blocked / "something").touch()
    result = run(*line, f"hydra/launcher={launcher}")
    assert result.returncode == 1, result.stderr
    states = [row.split()[2] for row in result.stdout[result.stdout.index("points after") :].splitlines()[3:]]
    assert states == ["finished", "refused", "finished"]
    assert "holds files of something else" in result.stdout and "Traceback" not in result.stderr
    assert len(list((tmp_path / "sweeps/.submitit").glob("*/*_submitted.pkl"))) == 1
    assert (controller / "submitted").exists() == (launcher == "submitit_slurm")
    shutil.rmtree(blocked)
    assert run(*line).returncode == 0
    assert len({json.dumps(artifacts.load(tmp_path / "segments" / name).files) for name in "abc"}) == 1


def test_what_cannot_be_submitted_is_one_line(tmp_path: Path, controller: Path) -> None:
    said = one_line_error(run(*command(tmp_path, SLURM, "hydra.launcher.partition=missing")))
    assert said == "hydra/launcher: sbatch: error: invalid partition specified: missing"


def test_the_same_command_joins_its_jobs_and_submits_only_those_that_are_lost(tmp_path: Path, controller: Path) -> None:
    line = [sys.executable, *command(tmp_path, SLURM)]
    with held(tmp_path / "segments/b"):
        with held(tmp_path / "segments/c"):
            driver_killed(line, tmp_path / "segments/a/manifest.json")
            os.killpg(int((controller / "task-1_2").read_text()), signal.SIGKILL)
        again = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True)
        until_there(again, tmp_path / "segments/c/manifest.json")
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert "points 2: queued or running already, waiting for them" in said
    assert "submitted 1 points: jobs 2" in said and submissions(controller) == 2


def test_a_job_that_vanishes_is_told(
    tmp_path: Path, controller: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "ASK", 0.1)
    monkeypatch.setattr(slurm, "SECONDS", 0.1)
    points = [segments(tmp_path, "a")]
    cluster = slurm.Cluster("slurm", {"submitit_folder": f"{tmp_path}/jobs/%j", "name": "segment"})
    submit = cluster.submit

    def lost(*given):  # noqa: ANN002, ANN202
        jobs = submit(*given)
        os.killpg(int((controller / "task-1").read_text()), signal.SIGKILL)
        return jobs

    monkeypatch.setattr(cluster, "submit", lost)
    with held(tmp_path / "segments/a"), pytest.raises(PointFailed):
        runner.run(points, submit=cluster)
    assert "job 1 ended as FAILED; logs: " in capfd.readouterr().out
    runner.run(points, submit=slurm.Cluster("slurm", cluster.parameters))
    assert points[0].finished and submissions(controller) == 2


def training(root: Path, *words: str) -> list[str]:
    return [sys.executable, SETTINGS[0], "-m", *SETTINGS[1:], SLURM, f"output_root={root}", *words]


def test_a_point_that_slurm_stops_saves_and_is_queued_again(
    trainings: Trainings,  # noqa: F811
    tmp_path: Path,
    controller: Path,
) -> None:
    """Slurm sends SIGUSR2 to every process of the step, submitit asks for another run, and Slurm ends this one for it.

    Of ten minutes submitit counts any as the last.
    """
    limits = ["hydra.launcher.timeout_min=10", "hydra.launcher.max_num_timeout=1"]
    line = training(tmp_path, *KINDS["zero3"], "trainer.checkpoint_every=100", *limits)
    driver = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    log = tmp_path / "sweeps/.submitit/1/1_0_log.out"
    while not log.exists() or "step 1 of 6" not in log.read_text():
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.005)
    script = int((controller / "task-1").read_text())
    for pid in descendants(script)[2:]:  # bash and srun are no processes of the step
        os.kill(pid, signal.SIGUSR2)
    out, said = driver.communicate(timeout=200)
    assert driver.returncode == 0, out + said
    told = log.read_text()
    assert "this job is timed-out" in told and "saved after step" in told and "goes on from step-" in told, told
    assert submissions(controller) == 1
    whole = trainings.unbroken("zero3")
    assert losses(tmp_path / "models/m0") == losses(whole) and weights(tmp_path / "models/m0") == weights(whole)


def test_a_point_may_take_several_nodes(trainings: Trainings, tmp_path: Path, controller: Path) -> None:  # noqa: F811
    """A rank a task, as many as its trainer asks for; a point on one node beside it is another array."""
    kind = [
        "trainer.strategy=zero3",
        "trainer.persistence_threshold=100",
        "trainer.nodes=2,1",
        "name='n${trainer.nodes}'",
    ]
    result = subprocess.run(training(tmp_path, *kind), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert submissions(controller) == 2
    assert losses(tmp_path / "models/n2") == losses(trainings.unbroken("zero3"))
    assert losses(tmp_path / "models/n1") == losses(trainings.unbroken("zero3 on one"))


def test_a_point_on_several_nodes_ends_when_its_first_rank_fails(tmp_path: Path, controller: Path) -> None:
    """After training the first rank evaluates, while the others wait for it; no node is held by those."""
    kind = ["trainer.strategy=ddp", "trainer.nodes=2", "evaluation=heldout", "evaluation.engine.device=cuda"]
    result = subprocess.run(training(tmp_path, *kind), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "engine.device=cuda: this machine has no GPU" in result.stdout
    assert (tmp_path / "models/m0/manifest.json").exists()
    deadline = time.monotonic() + 120
    while Path("/proc", (controller / "task-1").read_text()).exists():
        assert time.monotonic() < deadline, "a rank still waits"
        time.sleep(0.05)


def test_a_note_of_an_earlier_attempt_does_not_end_the_wait(tmp_path: Path, controller: Path) -> None:
    line = [sys.executable, *command(tmp_path, SLURM)]
    note = tmp_path / "sweeps/segments/b.json"
    with held(tmp_path / "segments/b"):
        driver_killed(line, tmp_path / "segments/c/manifest.json")
        note.write_text('{"seconds": 1, "error": "failed here before"}')
        again = subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        while note.exists():
            assert again.poll() is None, again.communicate()
            time.sleep(0.01)
    out, said = again.communicate(timeout=300)
    assert again.returncode == 0 and submissions(controller) == 1, out + said
