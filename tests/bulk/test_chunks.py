"""The bulk step: the same bytes whatever is killed and however many work, and the same memory for any number of rows."""

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk import workers
from humpback_exp.bulk.chunks import Bulk, Chunks, work_through
from humpback_exp.bulk.leases import Leases
from humpback_exp.bulk.meter import Throughput
from humpback_exp.bulk.workers import environments
from humpback_exp.config import ExecutorConfig
from humpback_exp.execution.launch import launch
from humpback_exp.planning import machine
from humpback_exp.planning.preflight import check_machine
from humpback_exp.records import Candidate, read
from tests.bulk.folders import ECHO, augmentation, command, digests, made_segments
from tests.conftest import ROOT, one_line_error

CHUNKS = 90
SLOW = ECHO | {"ECHO_SECONDS": "0.004"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Segments, and `whole`: their augmentation by one unbroken process."""
    root = tmp_path_factory.mktemp("bulk")
    made_segments(root, 4 * CHUNKS - 1)
    done(command(augmentation(root, "whole")))
    return root


@pytest.fixture
def whole(root: Path) -> dict[str, str]:
    made = digests(root / "candidates/whole")
    assert len(made) == CHUNKS
    return made


def done(line: list[str], environment: dict[str, str] = ECHO) -> "subprocess.CompletedProcess[str]":
    result = subprocess.run(line, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    return result


def started(line: list[str], environment: dict[str, str] = SLOW) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        line, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def committed(folder: Path) -> int:
    return len(list((folder / "data").glob("*.parquet")))


def until(condition: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    while not condition():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.001)


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split(") ")[1][0] != "Z"


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_at_twenty_random_moments_the_files_are_those_of_an_unbroken_run(
    root: Path, whole: dict[str, str], workers: int
) -> None:
    seed = 20 + workers
    print(f"seed of the moments: {seed}")
    moments = random.Random(seed)
    config = augmentation(root, f"killed-{workers}", workers=workers)
    line = command(config)
    for _ in range(20):
        process, before = started(line), committed(config.folder)
        wanted = before + moments.randint(0, 3)
        until(lambda wanted=wanted: committed(config.folder) >= wanted, process)
        time.sleep(moments.uniform(0, 0.05))
        children = workers_of(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode == -signal.SIGKILL
        while any(map(running, children)):
            time.sleep(0.001)
    assert committed(config.folder) < CHUNKS
    done(line)
    assert digests(config.folder) == whole
    assert not list(config.folder.rglob("*.tmp")) and not (config.folder / CHECKPOINTS).exists()


def test_no_more_workers_start_than_chunks_are_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_one, environments = workers._started, []
    monkeypatch.setattr(workers, "_started", lambda *own: (environments.append(own[1]), start_one(*own))[1])
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    for name, value in ECHO.items():
        monkeypatch.setenv(name, value)
    launch(augmentation(root, "few", chunk_size=200, workers=6))
    assert environments == [{"OMP_NUM_THREADS": "2"}] * 2  # threads as with six, since bytes may depend on them


def test_a_worker_that_is_killed_costs_nothing_but_its_chunk(root: Path, whole: dict[str, str]) -> None:
    config = augmentation(root, "one-less", workers=2, lease=1.0)
    process = started(command(config))
    until(lambda: committed(config.folder) > 5, process)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    (config.folder / "data/.00003.parquet.half.tmp").touch()
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert re.search(r"worker [12] of 2 was killed by SIGKILL; others do its chunk", said)
    assert digests(config.folder) == whole


def test_when_all_workers_are_killed_one_line_says_so_and_the_same_command_goes_on(
    root: Path, whole: dict[str, str]
) -> None:
    config = augmentation(root, "none-left", workers=2)
    line = command(config)
    process = started(line)
    until(lambda: committed(config.folder) > 5, process)
    for pid in workers_of(process):
        os.kill(pid, signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    assert re.search(r"error: .*none-left: no worker is left and \d\d chunks are missing, see the lines above; ", said)
    done(line)
    assert digests(config.folder) == whole


def test_each_worker_loads_one_engine_and_a_finished_share_none(
    root: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    config = augmentation(root, "three", workers=3)
    line = command(config)
    done(line, SLOW | {"ECHO_LOG": str(tmp_path)})
    assert digests(config.folder) == whole
    assert len(list(tmp_path.iterdir())) == 3


def test_a_users_mistake_in_a_worker_is_one_line_and_ends_all(root: Path) -> None:
    config = augmentation(root, "down", workers=2)
    result = subprocess.run(
        command(config),
        cwd=ROOT,
        env=os.environ | SLOW | {"ECHO_FAILS": "Loaf 101."},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert one_line_error(result) == "a worker: the endpoint is down"
    assert 20 < committed(config.folder) < CHUNKS
    assert not (config.folder / "data/00025.parquet").exists()


def test_each_worker_has_gpus_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    given = environments(ExecutorConfig(workers=3, gpus=2), ["0", "1", "4", "5", "GPU-a", "GPU-b", "7"])
    assert [each["CUDA_VISIBLE_DEVICES"] for each in given] == ["0,1", "4,5", "GPU-a,GPU-b"]
    assert environments(ExecutorConfig(workers=2), []) == [{"OMP_NUM_THREADS": "3"}] * 2


def test_more_gpus_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError) as error:
        environments(ExecutorConfig(workers=8, gpus=2), ["0", "1", "2", "3"])
    said = "executor.workers=8: with executor.gpus=2 that takes 16 GPUs, and 4 are visible; start 2 workers"
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("chosen", "ids"),
    [
        (None, ["0", "1"]),
        ("", []),
        ("-1", []),
        ("1", ["1"]),
        ("1, -1, 0", ["1"]),
        ("GPU-a, GPU-b", ["GPU-a", "GPU-b"]),
    ],
)
def test_the_gpus_that_are_visible(chosen: str | None, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpu_memories", lambda: [80 << 30] * 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if chosen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert machine.visible_gpus() == ids


def test_workers_that_would_all_load_on_one_gpu_are_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gpu_memories", lambda: [80 << 30] * 8)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    config = augmentation(root, "crowded", workers=8)
    config.engine.device = "cuda"
    with pytest.raises(ValueError) as error:
        launch(config)
    said = "executor.workers=8: with executor.gpus=0 all would share the first GPU; set executor.gpus=1"
    assert str(error.value) == said
    config.executor.gpus = 1
    check_machine(config)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_fills_in_the_middle_of_a_chunk_leaves_whole_chunks(
    root: Path, whole: dict[str, str], workers: int
) -> None:
    """A limit on the size of files makes the same write fail as a full disk does."""
    config = augmentation(root, f"full-{workers}", chunk_size=120, workers=workers)
    line = command(config)
    limited = (
        f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (8000, {resource.RLIM_INFINITY})); "
    )
    limited += "sys.argv = sys.argv[1:]; runpy.run_module('humpback_exp.execution.launch', run_name='__main__')"
    result = subprocess.run(
        [sys.executable, "-c", limited, "launch", str(config.folder)],
        cwd=ROOT,
        env=os.environ | ECHO,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert "File too large" in one_line_error(result)
    assert committed(config.folder) == 0 and not list((config.folder / "data").iterdir())
    done(line)
    rows = [row.id for row in read(config.folder, Candidate)]
    assert rows == [f"{n:016x}" for n in range(4 * CHUNKS - 1)]


def test_candidates_of_another_backward_model_are_refused_by_name(root: Path) -> None:
    config = augmentation(root, "other-model")
    process = started(command(config))
    until(lambda: committed(config.folder) > 0, process)
    process.kill()
    process.wait()
    config.model_path = "another"
    with pytest.raises(ValueError) as error:
        launch(config)
    there, here = (artifacts.fingerprint(name)[:8] for name in ("echo", "another"))
    wanted = f"(model_path=echo ({there}) there, another ({here}) here); choose another name= or delete it"
    assert str(error.value) == f"{config.folder}: made by another config {wanted}"


@dataclass(slots=True)
class Number:
    id: str
    even: bool


def counted(total: int, process: Callable, rows: int | None = None) -> Bulk[int, Number]:
    """A bulk step over the first numbers."""
    return Bulk(lambda: range(total if rows is None else rows), total, Number, lambda: process, lambda row: row.even)


def ratings(numbers: list[int], advance: Callable[[int, int], object]) -> list[Number]:
    advance(len(numbers), 10 * len(numbers))
    return [Number(str(n), n % 2 == 0) for n in numbers]


def work(folder: Path, bulk: Bulk[int, Number], size: int = 4, lease: float = 60.0) -> list[Throughput]:
    made: list[Throughput] = []
    chunks = Chunks(folder, bulk.total, size)
    work_through(chunks, bulk, Leases(folder / CHECKPOINTS, lease), lambda *_: None, made.append)
    return made


def test_figures_of_a_chunk_are_told_and_stay_beside_the_claims(tmp_path: Path) -> None:
    told = work(tmp_path, counted(10, ratings))
    assert [(each.rows, each.kept, each.tokens) for each in told] == [(4, 2, 40), (4, 2, 40), (2, 1, 20)]
    chunks = Chunks(tmp_path, 10, 4)
    assert [chunks.figures(number) for number in range(3)] == told
    assert [row.id for row in read(tmp_path, Number)] == [str(n) for n in range(10)]


@pytest.mark.parametrize(
    ("process", "rows", "said"),
    [
        (lambda numbers, advance: ratings(numbers, advance)[1:], 10, "4 rows went in and 3 came out"),
        (ratings, 7, "the input has not the rows it had"),
        (ratings, 4, "the input has fewer rows than it had"),
    ],
)
def test_a_chunk_with_the_wrong_number_of_rows_is_our_fault(
    tmp_path: Path, process: Callable, rows: int, said: str
) -> None:
    with pytest.raises(AssertionError, match=said):
        work(tmp_path, counted(10, process, rows))


def test_a_chunk_is_claimed_by_one_worker(tmp_path: Path) -> None:
    one, other = Leases(tmp_path, 60), Leases(tmp_path, 60)
    assert one.free([3, 4]) == other.free([3, 4]) == {3: 0, 4: 0}
    with one.take(3, 0) as ours, other.take(3, 0) as theirs:
        assert (ours, theirs) == (True, False)
        assert other.free([3, 4]) == {4: 0}


def test_a_claim_nobody_touches_for_a_lease_is_taken_over_once(tmp_path: Path) -> None:
    (tmp_path / "00003.0.claim").touch()
    leases = Leases(tmp_path, lease=0.2)
    assert leases.free([3]) == {}
    time.sleep(0.3)
    assert leases.free([3]) == {3: 1}
    with leases.take(3, 1) as ours, Leases(tmp_path, 0.2).take(3, 1) as theirs:
        assert (ours, theirs) == (True, False)
        assert leases.lost(3, 0) and not leases.lost(3, 1)


def test_a_worker_at_work_keeps_its_claim_longer_than_a_lease(tmp_path: Path) -> None:
    one, other = Leases(tmp_path, 0.4), Leases(tmp_path, 0.4)
    with one.take(3, 0):
        for _ in range(12):
            assert other.free([3]) == {}
            time.sleep(0.1)


def test_a_worker_that_was_taken_for_dead_keeps_its_rows_to_itself(tmp_path: Path) -> None:
    """While it works on chunk 1, another leases and commits it."""

    def overtaken(numbers: list[int], advance: Callable[[int, int], object]) -> list[Number]:
        if numbers[0] == 4:
            (tmp_path / CHECKPOINTS / "00001.1.claim").touch()
            (tmp_path / "data/00001.parquet").write_text("of the other worker")
        return ratings(numbers, advance)

    told = work(tmp_path, counted(8, overtaken))
    assert len(told) == 1
    assert (tmp_path / "data/00001.parquet").read_text() == "of the other worker"


PEAK = """
from humpback_exp.execution.launch import main
main()
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


def peak(root: Path, rows: int) -> int:
    """MiB that the process held at most which augments so many rows."""
    made_segments(root, rows)
    config = augmentation(root, "all", chunk_size=1024)
    artifacts.begin(config)
    said = done([sys.executable, "-c", PEAK, str(config.folder)]).stdout
    return int(re.search(r"VmHWM:\s+(\d+) kB", said)[1]) >> 10


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One file of input and one chunk of output are held. 50 000 rows more, held, would be 60 MiB; their ids alone, 12."""
    few, many = (peak(tmp_path_factory.mktemp(f"rows-{rows}"), rows) for rows in (10_000, 60_000))
    print(f"{few} MiB, {many} MiB")
    assert many < few + 8


def test_a_draw_is_the_first_rows_of_the_seeded_order_and_part_of_a_larger_one(root: Path) -> None:
    from humpback_exp.curation.selection import shuffled_rank
    from humpback_exp.stages import augment

    def ids(limit: int | None) -> list[str]:
        work = augment.bulk(augmentation(root, "drawn", limit=limit))
        drawn = [row.id for row in work.rows()]
        assert work.total == len(drawn)
        return drawn

    everything = [f"{n:016x}" for n in range(4 * CHUNKS - 1)]
    ordered = sorted(everything, key=lambda row_id: shuffled_rank(0, row_id))
    for limit in (1, 50, 358):
        assert ids(limit) == sorted(ordered[:limit])
    assert ids(None) == ids(359) == ids(1000) == everything
