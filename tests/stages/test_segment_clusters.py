"""Segmentation on Slurm and on Ray: tasks and nodes are lost, pages kill their workers, and the bytes are those of one process."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import ExecutorConfig, SegmentConfig
from humpback_exp.records import Segment, read
from tests.bulk.test_clusters import QUIET, ray_nodes
from tests.stages.test_segment import digests, prose
from tests.stages.test_segment_workers import ACTING, PAGES, committed, config, start, with_page, with_whole


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_whole(tmp_path_factory.mktemp("clusters"))


def on(cluster: str, root: Path, name: str, chunk_size: int = 1, **options: object) -> SegmentConfig:
    """A segmentation by two workers of a cluster."""
    wanted = config(root, name, chunk_size=chunk_size)
    own = {"partition": "cpu"} if cluster == "slurm" else {}
    wanted.executor = ExecutorConfig(name=cluster, workers=2, memory=1, lease=1.0, **own | options)
    return wanted


def wait_until(process: "subprocess.Popen[str]", condition: object) -> None:
    while not condition():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def ended_well(process: "subprocess.Popen[str]") -> str:
    """What a command said that is through."""
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
def test_a_slurm_task_is_killed_and_the_bytes_are_the_same(root: Path, controller: Path, tmp_path: Path) -> None:
    wanted, log = on("slurm", root, "slurm"), tmp_path / "log"
    log.mkdir()
    process = start(wanted, PAGE_SECONDS="0.1", PAGE_LOG=str(log))
    wait_until(process, lambda: len(list(log.iterdir())) == 2 and committed(wanted.folder) > 3)
    tasks = [int(task.name) for task in controller.glob("segment-*/*")]
    os.killpg(tasks[0], signal.SIGKILL)
    assert len(tasks) == 2 and committed(wanted.folder) < PAGES - 3
    ended_well(process)
    assert digests(wanted.folder) == digests(root / "out/segments/whole")
    assert not (wanted.folder / "set_aside.txt").exists()


@pytest.mark.slow
def test_a_ray_node_is_lost_and_the_bytes_are_the_same(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    environment = ACTING | QUIET | {"PAGE_SECONDS": "0.5", "PAGE_LOG": str(tmp_path)}
    with ray_nodes(os.environ | environment) as nodes:
        wanted = on("ray", root, "node", address=nodes.stdout.readline().strip())
        process = start(wanted, **environment)
        wait_until(process, lambda: len(list(tmp_path.iterdir())) == 2 and committed(wanted.folder) > 3)
        print("\n", end="", file=nodes.stdin, flush=True)
        assert nodes.stdout.readline() == "lost\n"
        wait_until(process, lambda: not all(Path("/proc", cutter.name).exists() for cutter in tmp_path.iterdir()))
        assert committed(wanted.folder) < PAGES - 3
        ended_well(process)
    assert digests(wanted.folder) == digests(root / "out/segments/whole")
    assert not (wanted.folder / "set_aside.txt").exists()


@contextmanager
def cluster(name: str, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """A cluster, and the options of the executor that find it."""
    if name == "slurm":
        request.getfixturevalue("controller")
        yield {}
        return
    pytest.importorskip("ray")
    with ray_nodes(os.environ | ACTING | QUIET) as nodes:
        yield {"address": nodes.stdout.readline().strip()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["slurm", "ray"])
def test_a_page_that_kills_its_worker_twice_on_a_cluster_is_set_aside(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with cluster(name, request) as options:
        wanted = on(name, with_page(tmp_path, "KILLS ITS CUTTER"), "web", chunk_size=4, **options)
        ended_well(start(wanted, **QUIET))
    assert (wanted.folder / "set_aside.txt").read_text() == "005.html\n"
    manifest = artifacts.load(wanted.folder)
    assert (manifest.drops["page: killed its worker"], manifest.rows["pages"]) == (1, 12)
    assert [row.text for row in read(wanted.folder, Segment)] == [prose(n) for n in range(12) if n != 5]
