"""Points run, fail and are killed without harm to each other; the same command goes on with what is missing."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from humpback_exp import artifacts, config
from humpback_exp.config import SegmentConfig, TrainConfig
from humpback_exp.errors import PointFailed
from humpback_exp.execution import launch
from humpback_exp.planning import preflight
from humpback_exp.sweep import local, runner
from humpback_exp.sweep.point import Point
from tests.conftest import ROOT, listens, run
from tests.modeling.conftest import KINDS, OFTEN, SETTINGS, Trainings, losses, step, trainings, warm, weights  # noqa: F401


def test_a_frozen_config_that_holds_n_jobs_is_read(tmp_path: Path) -> None:
    (stage,) = segments(tmp_path, "a").stages
    artifacts.begin(stage)
    frozen = stage.folder / "config.yaml"
    assert "n_jobs" not in frozen.read_text()
    frozen.write_text(frozen.read_text() + "n_jobs: 2\n")
    assert artifacts.open_stage(stage.folder)[0] == stage


def segments(root: Path, name: str, path: str = "examples/pages") -> Point:
    made = SegmentConfig(output_root=str(root), name=name, workers=1, tracking=config.TrackingConfig(mode="none"))
    made.corpus.path = str(ROOT / path)
    return Point({"name": name}, [made])


def test_one_failing_point_stops_no_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "pages"
    empty.mkdir()
    points = [segments(tmp_path, "a"), segments(tmp_path, "b", str(empty)), segments(tmp_path, "c")]
    with pytest.raises(PointFailed):
        runner.run(points)
    said = capfd.readouterr()
    assert said.err.count("error: ") == 1 and "Traceback" not in said.err
    assert said.err.index("error: corpus.path=") < said.err.index(f"segment: {tmp_path}/segments/c")
    table = said.out[said.out.index("points after") :]
    assert re.search(rf"2  b +failed +\d+ +{tmp_path}/segments/b +corpus.path={empty}: no page", table)
    assert [line.split()[2] for line in table.splitlines()[3:]] == ["finished", "failed", "finished"]
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("manifest.json")}
    points[1].stages[0].corpus.path = points[0].stages[0].corpus.path
    runner.run(points)
    assert capfd.readouterr().err.count("segment: ") == 1
    assert times.items() < {p: p.stat().st_mtime_ns for p in tmp_path.rglob("manifest.json")}.items()


def test_a_finished_point_of_another_config_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runner.run([segments(tmp_path, "a")])
    other = segments(tmp_path, "a")
    other.stages[0].corpus.min_chars = 500
    with pytest.raises(PointFailed):
        runner.run([other, segments(tmp_path, "b")])
    said = capfd.readouterr()
    assert "corpus.min_chars=600 there, 500 here" in said.err
    assert (tmp_path / "segments/b/manifest.json").exists()


@pytest.mark.parametrize("n_jobs", [0, -1])
def test_points_that_none_may_run_are_refused(tmp_path: Path, n_jobs: int) -> None:
    with pytest.raises(ValueError, match=f"^n_jobs={n_jobs}: must be positive$"):
        runner.run([segments(tmp_path, "a")], n_jobs=n_jobs)
    assert not list(tmp_path.iterdir())


def test_ranks_above_the_first_wait_for_what_one_rank_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (stage,) = segments(tmp_path, "a").stages
    artifact = artifacts.begin(stage)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(time, "sleep", lambda _: artifacts.finish(artifact, started=0, rows={"segments": 7}))
    assert launch.launch(stage) == stage.folder
    assert artifacts.load(stage.folder).rows == {"segments": 7}


def test_a_model_made_while_its_folder_was_waited_for_needs_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = TrainConfig(output_root=str(tmp_path), name="x", model=config.ModelConfig(path="org/model"))

    def refused(_: TrainConfig) -> None:
        raise ValueError("too little memory")

    @contextmanager
    def another_makes_it(*_: object) -> Iterator[int]:
        artifacts.finish(artifacts.begin(train), started=0, rows={})
        yield 0

    monkeypatch.setattr(preflight, "check_training", refused)
    with pytest.raises(ValueError, match="too little memory"):
        launch.launch(train, waits=True)
    monkeypatch.setattr(artifacts, "locked", another_makes_it)
    assert launch.launch(train, waits=True) == train.folder


def test_a_killed_point_is_told(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "attempt", lambda _: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(PointFailed):
        runner.run([segments(tmp_path, "a")])
    assert "was killed by SIGKILL; the same command goes on from there" in capfd.readouterr().out


def test_n_jobs_points_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wait for each other, and the third begins only when one of them has ended."""

    def attempt(point: Point) -> int:
        there = {path.name for path in tmp_path.iterdir()}
        name = point.varies["name"]
        (tmp_path / name).touch()
        while name != "c" and not {"a", "b"} <= {path.name for path in tmp_path.iterdir()}:
            time.sleep(0.01)
        (tmp_path / f"{name} ended").touch()
        return 0 if name != "c" or there & {"a ended", "b ended"} else 1

    monkeypatch.setattr(local, "attempt", attempt)
    codes: list[int] = []
    monkeypatch.setattr(local, "log_status", lambda number, point: codes.append(number))
    local.run_locally([(i, segments(tmp_path, name)) for i, name in enumerate("abc", 1)], n_jobs=2)
    assert sorted(codes) == [1, 2, 3]  # the third may be told before the second, which runs beside it
    assert (tmp_path / "c").stat().st_mtime_ns > min((tmp_path / f"{n} ended").stat().st_mtime_ns for n in "ab")


def test_points_that_share_a_folder_wait_and_let_others_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two at a time, the second point of `a` starts after the first, and `b` beside the first."""
    order = tmp_path / "order"

    def attempt(point: Point) -> int:
        name = point.varies["name"]
        with order.open("a") as file:
            file.write(f"+{name} ")
        if name == "a1":
            while "+b" not in order.read_text():
                time.sleep(0.01)
            (point.stages[0].folder).mkdir(parents=True)
            (point.stages[0].folder / "manifest.json").touch()
        with order.open("a") as file:
            file.write(f"-{name} ")
        return 0

    monkeypatch.setattr(local, "attempt", attempt)
    monkeypatch.setattr(local, "log_status", lambda number, point: None)
    points = [segments(tmp_path, name[0]) for name in ("a1", "a2", "b1")]
    for point, name in zip(points, ("a1", "a2", "b1"), strict=True):
        point.varies["name"] = name
    local.run_locally(list(enumerate(points, 1)), n_jobs=2)
    said = order.read_text()
    assert said.index("+b1") < said.index("-a1") < said.index("+a2")


SWEEP = [
    SETTINGS[0], "-m", *SETTINGS[1:], "optim.weight_decay=1e42,0.1", "name='wd${optim.weight_decay}'", "optim.end_lr=0",
    *KINDS["zero3"], OFTEN,
]  # fmt: skip


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return own + [below for child in own for below in descendants(child)]


@pytest.mark.slow
def test_two_ranks_a_point_one_crashes_and_the_driver_is_killed(
    trainings: Trainings,  # noqa: F811
    tmp_path: Path,
) -> None:
    """The case that hangs elsewhere: every point is two ranks of ZeRO-3. No orphan, and the same command ends the same."""
    command = [*SWEEP, f"output_root={tmp_path}"]
    driver = subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    good = tmp_path / "models/wd0.1"
    while not (good / "checkpoints" / step(2)).exists():
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.002)
    family = descendants(driver.pid)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert len(family) == 3  # the point and its two ranks
    deadline = time.monotonic() + 120
    while any(Path(f"/proc/{pid}").exists() for pid in family):
        assert time.monotonic() < deadline, "an orphan is left"
        time.sleep(0.05)
    assert not (good / "manifest.json").exists()
    crashed = json.loads((tmp_path / "sweeps/models/wd1e+42.json").read_text())["error"]
    assert "not finite" in crashed or "no longer finite" in crashed, crashed
    again = run(*command)
    assert again.returncode == 1
    assert "wd0.1: goes on from step-" in again.stderr and "Traceback" not in again.stderr
    assert re.search(r"2 +0.1 +finished", again.stdout[again.stdout.index("points after") :])
    whole = trainings.run(tmp_path / "whole", "zero3", "optim.end_lr=0")
    assert losses(good) == losses(whole) and weights(good) == weights(whole)


@pytest.mark.slow
def test_an_interrupt_that_reaches_the_driver_alone_ends_its_points(
    trainings: Trainings,  # noqa: F811
    tmp_path: Path,
) -> None:
    """As `kill -INT` sends it; a terminal's Ctrl-C goes to all. They save, as on SIGTERM."""
    command = [sys.executable, SETTINGS[0], "-m", *SETTINGS[1:], *KINDS["plain"], f"output_root={tmp_path}"]
    slowly = ["optim.max_steps=1000", "trainer.checkpoint_every=1000"]
    driver = subprocess.Popen([*command, *slowly], cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=listens)
    assert any("step 50 of" in line for line in driver.stderr)
    family = descendants(driver.pid)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=300)
    assert driver.returncode == 130 and "Traceback" not in said, said
    assert len(family) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in family)
    assert "SIGTERM, saved after step" in said
    assert len(list((tmp_path / "models/m0/checkpoints").glob("step-*.ckpt"))) == 1
