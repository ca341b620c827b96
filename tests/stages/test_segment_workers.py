"""Segmentation by workers that are killed, by people or by pages: the same bytes, less the pages that are to blame."""

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from humpback_exp import artifacts
from humpback_exp.config import CorpusConfig, ExecutorConfig, SegmentConfig, TrackingConfig
from humpback_exp.records import Segment, read
from tests.bulk.folders import command
from tests.bulk.test_clusters import QUIET, ray_nodes
from tests.conftest import ROOT
from tests.stages.test_segment import corpus, digests, prose

ACTING = {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests/corpus/killer"), str(ROOT)])}
PAGES = 30


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_whole(tmp_path_factory.mktemp("workers"))


def with_whole(root: Path) -> Path:
    """A folder with pages, and `whole`: their segments by one unbroken process."""
    corpus(root / "pages", PAGES)
    finished(config(root, "whole", workers=1))
    return root


def config(root: Path, name: str, path: str = "pages", chunk_size: int = 1, **executor: Any) -> SegmentConfig:
    return SegmentConfig(
        output_root=str(root / "out"),
        name=name,
        corpus=CorpusConfig(path=str(root / path)),
        tracking=TrackingConfig(mode="none"),
        chunk_size=chunk_size,
        workers=executor.pop("workers", 2),
        executor=ExecutorConfig(lease=1.0, **executor),
    )


def start(wanted: SegmentConfig, **environment: str) -> "subprocess.Popen[str]":
    environment = os.environ | ACTING | environment
    line = command(wanted)
    return subprocess.Popen(
        line, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def finished(wanted: SegmentConfig, **environment: str) -> str:
    """What a command said that did all of its work."""
    process = start(wanted, **environment)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return said


def committed(folder: Path) -> int:
    return len(list((folder / "checkpoints/pages/done").glob("*.parquet")))


@pytest.mark.parametrize("workers", [1, 2])
def test_the_command_is_killed_at_random_moments(root: Path, workers: int) -> None:
    moments = random.Random(workers)
    wanted = config(root, f"killed-{workers}", workers=workers)
    for _ in range(3):
        process, before = start(wanted, PAGE_SECONDS="0.05"), committed(wanted.folder)
        enough = before + moments.randint(0, 3)
        while committed(wanted.folder) < enough:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.communicate()
    assert committed(wanted.folder) < PAGES
    finished(wanted)
    assert digests(wanted.folder) == digests(root / "out/segments/whole")


def kill_one(log: Path, process: "subprocess.Popen[str]") -> None:
    """SIGKILL for the first process that logged a page."""
    while not (cutters := list(log.iterdir())):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    os.kill(int(cutters[0].name), signal.SIGKILL)


def test_a_worker_that_is_killed_is_replaced_and_no_page_is_blamed(root: Path, tmp_path: Path) -> None:
    wanted = config(root, "one-less")
    process = start(wanted, PAGE_SECONDS="0.05", PAGE_LOG=str(tmp_path))
    kill_one(tmp_path, process)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert "of 2 was killed by SIGKILL; another takes its place" in said
    assert digests(wanted.folder) == digests(root / "out/segments/whole")
    assert not (wanted.folder / "set_aside.txt").exists()


@pytest.mark.slow
def test_a_worker_on_ray_is_killed_and_the_bytes_are_the_same(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    environment = ACTING | QUIET | {"PAGE_SECONDS": "0.05", "PAGE_LOG": str(tmp_path)}
    with ray_nodes(os.environ | environment) as nodes:
        address = nodes.stdout.readline().strip()
        wanted = config(root, "ray")
        wanted.executor = ExecutorConfig(name="ray", workers=2, memory=1, lease=1.0, address=address)
        process = start(wanted, **environment)
        kill_one(tmp_path, process)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert digests(wanted.folder) == digests(root / "out/segments/whole")


def with_page(folder: Path, word: str) -> Path:
    """Twelve pages, the sixth of which does what it says."""
    corpus(folder / "pages", 12)
    page = folder / "pages/005.html"
    page.write_text(page.read_text().replace("Short.", f"{word}."))
    return folder


@pytest.mark.parametrize("word", ["KILLS ITS CUTTER", "HANGS"])
def test_a_page_that_kills_its_worker_twice_is_set_aside(tmp_path: Path, word: str) -> None:
    wanted = config(with_page(tmp_path, word), "web", chunk_size=4)
    said = finished(wanted)
    assert "005.html: killed two processes and was set aside" in said
    assert (wanted.folder / "set_aside.txt").read_text() == "005.html\n"
    manifest = artifacts.load(wanted.folder)
    assert manifest.drops["page: killed its worker"] == 1
    assert manifest.rows["pages"] == 12
    assert [row.text for row in read(wanted.folder, Segment)] == [prose(n) for n in range(12) if n != 5]


def test_one_worker_is_the_command_itself_which_goes_on_when_it_is_repeated(tmp_path: Path) -> None:
    wanted = config(with_page(tmp_path, "KILLS ITS CUTTER"), "web", chunk_size=4, workers=1)
    assert start(wanted).wait(120) == -signal.SIGKILL
    finished(wanted)
    assert [row.text for row in read(wanted.folder, Segment)] == [prose(n) for n in range(12) if n != 5]


def test_a_bug_is_shown_once_and_its_page_is_set_aside_by_the_next_command(tmp_path: Path) -> None:
    wanted = config(with_page(tmp_path, "RAISES"), "web", chunk_size=4)
    process = start(wanted)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 1 and "AssertionError: a bug" in said
    finished(wanted)
    assert (wanted.folder / "set_aside.txt").read_text() == "005.html\n"


def test_what_cannot_be_read_sets_aside_the_rest_of_its_range(tmp_path: Path) -> None:
    pages = [f"<h1>Page</h1><p>{prose(n)}{' KILLS ITS READER' * (n == 2)}</p>" for n in range(4)]
    (tmp_path / "pages").mkdir()
    for name, rows in {"a": pages, "b": pages[3:]}.items():
        lines = [json.dumps({"url": f"{name}{n}", "html": page}) for n, page in enumerate(rows)]
        (tmp_path / f"pages/{name}.jsonl").write_text("\n".join(lines))
    wanted = config(tmp_path, "web")
    finished(wanted)
    assert (wanted.folder / "set_aside.txt").read_text() == "a.jsonl, range 0-end from page 2 on\n"
    assert [row.url for row in read(wanted.folder, Segment)] == ["a0", "a1", "b0"]
