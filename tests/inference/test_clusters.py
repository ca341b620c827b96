"""Ray on two nodes of which one is lost, and Slurm's script, submission and attaching, with real tasks of a fake controller."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import CHECKPOINTS
from tests.conftest import ROOT, one_line_error, run
from tests.inference.bulk_folders import ECHO, augmentation, command, digests, made_segments

CHUNKS = 60
QUIET = {"RAY_DISABLE_DOCKER_CPU_WARNING": "1", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "1"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Segments, and `whole`: their augmentation by one local process."""
    root = tmp_path_factory.mktemp("clusters")
    made_segments(root, 4 * CHUNKS - 1)
    result = execute(command(augmentation(root, "whole")))
    assert result.returncode == 0, result.stderr
    return root


def execute(line: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        line, cwd=ROOT, env=os.environ | ECHO | environment, capture_output=True, text=True, timeout=120
    )


def committed(folder: Path) -> int:
    return len(list((folder / "data").glob("*.parquet")))


RAY_NODES = """
import os, sys, time
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False})
nodes = [cluster.add_node(num_cpus=1, object_store_memory=80 << 20) for _ in range(2)]
print(cluster.address, flush=True)
sys.stdin.readline()
cluster.remove_node(nodes[0], allow_graceful=False)
print("lost", flush=True)
sys.stdin.readline()
cluster.shutdown()
"""
"""Two nodes of one core beside a head that works for nobody; a line on stdin takes one away, another ends all."""


@pytest.mark.slow
def test_a_ray_node_is_lost_and_nothing_with_it(root: Path) -> None:
    pytest.importorskip("ray")
    environment = os.environ | ECHO | QUIET | {"ECHO_SECONDS": "0.05", "ECHO_LOG": str(root / "engines")}
    (root / "engines").mkdir()
    nodes = subprocess.Popen(
        [sys.executable, "-c", RAY_NODES],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = nodes.stdout.readline().strip()
        config = augmentation(root, "ray", kind="ray", workers=2, memory=1, lease=3.0, address=address)
        stage = subprocess.Popen(
            command(config), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while len(list((root / "engines").iterdir())) < 2 or committed(config.folder) < 8:
            assert stage.poll() is None, stage.stderr.read()
            time.sleep(0.01)
        print("\n", end="", file=nodes.stdin, flush=True)
        assert nodes.stdout.readline() == "lost\n"
        assert committed(config.folder) < CHUNKS - 8
        _, said = stage.communicate(timeout=80)
    finally:
        nodes.communicate("\n\n")
    assert stage.returncode == 0, said
    assert digests(config.folder) == digests(root / "candidates/whole")
    assert len(said.splitlines()) < 8, said
