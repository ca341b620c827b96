"""Several nodes on one machine: ranks started by torchrun's agents, and as srun starts them."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.distributed import join_slurm
from tests.conftest import ROOT, one_line_error, run
from tests.modeling.conftest import KINDS, SETTINGS, Trainings, losses, one_line, weights

pytestmark = pytest.mark.slow
TWO_NODES = [word for word in KINDS["zero3"] if "devices" not in word] + ["trainer.nodes=2", "trainer.devices=1"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_torchrun_agents(trainings: Trainings, tmp_path: Path) -> None:
    agent = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d",
        f"--rdzv-endpoint=127.0.0.1:{free_port()}", *SETTINGS, f"output_root={tmp_path}", *TWO_NODES,
    ]  # fmt: skip
    agents = [subprocess.Popen(agent, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=300)[1] for process in agents]
    assert [process.returncode for process in agents] == [0, 0], "\n".join(said)
    folder = tmp_path / "models/m0"
    assert losses(folder) == losses(trainings.unbroken("zero3"))
    assert weights(folder) == weights(trainings.unbroken("zero3"))


LOOP = [
    "pipeline.py", "experiment=smoke", "iterations=0", "judge.prompts=0", "model.dropout=0", "trainer.nodes=2",
    "trainer.devices=1", "trainer.strategy=zero3", "trainer.persistence_threshold=100",
]  # fmt: skip


def require_loop(root: Path, said: list[str]) -> None:
    """Both trainings are there, and one rank alone has spoken of the loop."""
    for name in ("backward", "m0"):
        assert len(losses(root / "models" / name)) == 4, said
    assert artifacts.load(root / "evals/m0").rows["pairs"] == 40
    assert sorted("plan\n" in out for out in said) == [False, True]


def test_a_loop_under_torchrun(tiny: str, tmp_path: Path) -> None:
    """Two trainings one after the other: the second finds the first's keys in the agents' store, and is not misled."""
    agent = [
        sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d",
        f"--rdzv-endpoint=127.0.0.1:{free_port()}", *LOOP, f"output_root={tmp_path}",
    ]  # fmt: skip
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    agents = [subprocess.Popen(agent, cwd=ROOT, text=True, **pipes) for _ in range(2)]
    said = [process.communicate(timeout=900) for process in agents]
    assert [process.returncode for process in agents] == [0, 0], "\n".join(err for _, err in said)
    require_loop(tmp_path, [out for out, _ in said])


def test_a_loop_under_srun(tiny: str, tmp_path: Path) -> None:
    port, pipes = free_port(), {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, *LOOP, f"output_root={tmp_path}"]
    ranks = [
        subprocess.Popen(command, cwd=ROOT, text=True, env=os.environ | slurm(rank, port), **pipes) for rank in (0, 1)
    ]
    said = [process.communicate(timeout=900) for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], "\n".join(err for _, err in said)
    require_loop(tmp_path, [out for out, _ in said])


def test_a_loop_typed_plainly_is_refused_before_its_first_stage(tiny: str, tmp_path: Path) -> None:
    line = one_line_error(run(*LOOP, f"output_root={tmp_path}"))
    assert line == (
        "trainer.nodes=2: start the ranks on every node, with srun or "
        "torchrun --nnodes=2 --nproc-per-node=1 pipeline.py ..."
    )
    assert not list(tmp_path.iterdir())


def slurm(rank: int, port: int) -> dict[str, str]:
    """What srun tells rank `rank` of a step of two nodes with a rank each, as far as anyone reads it."""
    return {
        "SLURM_PROCID": str(rank), "SLURM_LOCALID": "0", "SLURM_NODEID": str(rank), "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_NTASKS": "2", "SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "m0", "SLURM_STEP_NODELIST": "127.0.0.1",
        "MASTER_PORT": str(port),
    }  # fmt: skip


def test_ranks_started_by_srun(trainings: Trainings, tmp_path: Path) -> None:
    port = free_port()
    variables = [slurm(0, port), slurm(1, port)]
    ended = trainings.warm(*SETTINGS, f"output_root={tmp_path}", *TWO_NODES, variables=variables).wait()
    assert ended.codes == [0, 0], ended.said
    folder = tmp_path / "models/m0"
    assert losses(folder) == losses(trainings.unbroken("zero3"))
    assert weights(folder) == weights(trainings.unbroken("zero3"))


@pytest.mark.parametrize(
    ("nodes", "first"), [("node[07-08,12]", "node07"), ("gpu-a[3],gpu-b1", "gpu-a3"), ("a1,a2", "a1")]
)
def test_where_ranks_of_slurm_meet(monkeypatch: pytest.MonkeyPatch, nodes: str, first: str) -> None:
    monkeypatch.setattr(os, "environ", slurm(1, 0) | {"SLURM_STEP_NODELIST": nodes})
    del os.environ["MASTER_PORT"]
    join_slurm()
    assert (os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"], os.environ["RANK"]) == (first, "24711", "1")


def test_nodes_need_ranks_from_outside(trainings: Trainings, tmp_path: Path) -> None:
    said = one_line(trainings.warm(*SETTINGS, f"output_root={tmp_path}", *TWO_NODES).wait())
    assert "trainer.nodes=2: start the ranks on every node, with srun or torchrun --nnodes=2 --nproc-per-node=1" in said
