"""Ray on two nodes of which one is lost, and Slurm's script, submission and attaching, with real tasks of a fake controller."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk import slurm
from humpback_exp.config import AugmentConfig, EngineConfig, identity
from humpback_exp.execution.launch import launch
from humpback_exp.inference.vllm.load import load_vllm
from humpback_exp.workflow.steps import curation_steps
from tests.bulk.folders import ECHO, augmentation, command, digests, made_segments
from tests.conftest import ROOT, one_line_error, run
from tests.test_configs import composed

CHUNKS = 30
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


@contextmanager
def only_ray() -> Iterator[None]:
    """One test of Ray at a time on this machine: a command that looks for a cluster would find another test's."""
    with (Path(tempfile.gettempdir()) / "humpback-tests-ray.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def ray_nodes(environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    with only_ray(), started_nodes(environment) as nodes:
        yield nodes


@contextmanager
def started_nodes(environment: dict[str, str]) -> "Iterator[subprocess.Popen[str]]":
    nodes = subprocess.Popen(
        [sys.executable, "-c", RAY_NODES],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield nodes
    finally:
        nodes.communicate("\n\n")


@pytest.mark.slow
def test_a_ray_node_is_lost_and_nothing_with_it(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    environment = os.environ | ECHO | QUIET | {"ECHO_SECONDS": "0.05", "ECHO_LOG": str(tmp_path)}
    with ray_nodes(environment) as nodes:
        address = nodes.stdout.readline().strip()
        config = augmentation(root, "ray", kind="ray", workers=2, memory=1, lease=3.0, address=address)
        stage = subprocess.Popen(
            command(config), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        while len(list(tmp_path.iterdir())) < 2 or committed(config.folder) < 4:
            assert stage.poll() is None, stage.stderr.read()
            time.sleep(0.01)
        print("\n", end="", file=nodes.stdin, flush=True)
        assert nodes.stdout.readline() == "lost\n"
        while all(Path("/proc", engine.name).exists() for engine in tmp_path.iterdir()):
            time.sleep(0.01)
        assert committed(config.folder) < CHUNKS - 4
        _, said = stage.communicate(timeout=300)
    assert stage.returncode == 0, said
    assert digests(config.folder) == digests(root / "candidates/whole")
    assert len(said.splitlines()) < 8, said


@pytest.mark.slow
def test_when_all_ray_workers_are_killed_one_line_says_so(root: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    environment = os.environ | ECHO | QUIET | {"ECHO_SECONDS": "0.05", "ECHO_LOG": str(tmp_path)}
    with ray_nodes(environment) as nodes:
        config = augmentation(root, "ray-killed", kind="ray", memory=1, address=nodes.stdout.readline().strip())
        stage = subprocess.Popen(command(config), cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        kill_engine(tmp_path, stage)
        _, said = stage.communicate(timeout=300)
    assert stage.returncode == 2, said
    assert re.search(r"error: .*ray-killed: no worker is left and \d\d chunks are missing, see the lines above; ", said)


def kill_engine(log: Path, process: "subprocess.Popen[str]") -> None:
    """SIGKILL for the first process that logged an engine."""
    while not (engines := list(log.iterdir())):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    os.kill(int(engines[0].name), signal.SIGKILL)


STEP = """
import sys
from pathlib import Path
from humpback_exp.artifacts import open_stage
from humpback_exp.bulk.worker_step import WorkerStep
list(WorkerStep(open_stage(Path(sys.argv[1]))[0]).run())
"""


def test_a_step_of_ray_outlives_its_worker_and_says_how_it_ended(root: Path, tmp_path: Path) -> None:
    config = augmentation(root, "share")
    artifacts.begin(config)
    environment = os.environ | ECHO | {"ECHO_SECONDS": "0.05", "ECHO_LOG": str(tmp_path)}
    line = [sys.executable, "-c", STEP, str(config.folder)]
    step = subprocess.Popen(line, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    kill_engine(tmp_path, step)
    _, said = step.communicate(timeout=300)
    assert step.returncode == 1
    assert said.splitlines()[-1] == "RuntimeError: the worker ended with status -9"


def test_a_gate_that_needs_a_node_of_the_cluster_is_run_there_first_and_here_only_checked(tmp_path: Path) -> None:
    shared = [f"output_root={tmp_path}", "scorer=expected", "engine=gpu", "tracking=none"]
    here = [*shared, "executor=slurm", "executor.partition=gpu"]
    said = one_line_error(run("curate.py", *here, CUDA_VISIBLE_DEVICES=""))
    gate = curation_steps(composed("curate", *here))[0]
    assert gate.name.startswith("m0-expected-five_point-")
    words = (
        f"output_root={tmp_path} name={gate.name} model_path={tmp_path}/models/m0 scorer=expected "
        "engine=transformers engine.device=cuda"
    )
    assert said == (
        "engine.device=cuda: this machine has no GPU; use engine.device=cpu; or run the gate first on a node with one: "
        f"python gate.py {words}, and the other options of rating given here; this command then only checks it"
    )
    there = composed("gate", *words.split())
    assert (there.folder, identity(there)) == (gate.folder, identity(gate))
    fit = {"readable": 1.0, "auc_shuffled": 1.0, "auc_truncated": 1.0}
    artifacts.finish(artifacts.begin(there), started=0.0, rows={"pairs": 1}, metrics=fit)
    assert f"{tmp_path}/models/m0: no such" in one_line_error(run("curate.py", *here, CUDA_VISIBLE_DEVICES=""))


def submissions(controller: Path) -> int:
    return len((controller / "submitted").read_text().splitlines())


def tasks(controller: Path) -> list[int]:
    return [int(task.name) for task in controller.glob("augment-*/*")]


def on_slurm(root: Path, name: str, **executor: object) -> AugmentConfig:
    wanted = {"workers": 2, "partition": "gpu", "memory": 4, "cpus": 8, "time": "12:00:00", "lease": 2.0} | executor
    return augmentation(root, name, kind="slurm", **wanted)


@pytest.mark.slow
def test_slurm_tasks_do_the_stage_and_a_second_command_joins_the_job(root: Path, controller: Path) -> None:
    config = on_slurm(root, "slurm")
    line = command(config)
    first = subprocess.Popen(
        line, cwd=ROOT, env=os.environ | ECHO | {"ECHO_SECONDS": "0.04"}, stderr=subprocess.PIPE, text=True
    )
    while committed(config.folder) < 4:
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.01)
    first.kill()
    first.communicate()
    lost, left = tasks(controller)
    os.killpg(lost, signal.SIGKILL)
    os.killpg(left, signal.SIGSTOP)
    again = subprocess.Popen(line, cwd=ROOT, env=os.environ | ECHO, stderr=subprocess.PIPE, text=True)
    assert any("is queued or running already; waiting for it" in said for said in again.stderr)
    os.killpg(left, signal.SIGCONT)
    _, said = again.communicate(timeout=300)
    assert again.returncode == 0, said
    assert submissions(controller) == 1
    assert digests(config.folder) == digests(root / "candidates/whole")
    assert not (config.folder / CHECKPOINTS).exists()


@pytest.mark.slow
def test_a_slurm_job_that_ended_early_is_said_in_one_line_and_submitted_again(
    root: Path, controller: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "QUEUE_SECONDS", 0.2)
    config = on_slurm(root, "ended", setup="exit 1")
    with pytest.raises(ValueError) as error:
        launch(config)
    logs = config.folder.absolute() / CHECKPOINTS / "slurm"
    assert str(error.value).startswith(f"{config.folder}: no worker is left and {CHUNKS} chunks are missing")
    assert str(error.value).endswith(f"(logs: {logs})") and "\n" not in str(error.value)
    config.executor.setup = ". .venv/bin/activate"
    for name, value in ECHO.items():
        monkeypatch.setenv(name, value)
    launch(config)
    assert submissions(controller) == 2
    assert digests(config.folder) == digests(root / "candidates/whole")


def test_the_sbatch_script(root: Path, controller: Path) -> None:
    options = {"account": "nlp", "gres": "gpu:h100:2"}
    config = on_slurm(root, "script", workers=3, gpus=2, sbatch=options)
    artifacts.begin(config)
    executor = slurm.slurm_executor(config)
    executor.run()
    slurm.cancel(executor.job_name)
    script = (config.folder / CHECKPOINTS / "slurm/launch_script.slurm").read_text()
    script = script.replace(str(config.folder.absolute()), "FOLDER").replace(executor.job_name, "JOB")
    assert script == (ROOT / "tests/bulk/sbatch.golden").read_text()


def test_a_job_is_named_after_its_run_and_place(root: Path, tmp_path: Path) -> None:
    config = on_slurm(root, "named")
    artifacts.begin(config)
    name = slurm.job_name(config)
    assert re.fullmatch(r"augment-named-[0-9a-f]{12}", name)
    assert slurm.job_name(on_slurm(root, "named", workers=9)) == name
    config.seed = 1
    artifacts.begin(config)
    assert slurm.job_name(config) != name


def test_slurm_elsewhere_is_one_line(root: Path) -> None:
    said = one_line_error(execute(command(on_slurm(root, "nowhere"))))
    assert said == "executor=slurm: no sbatch on the PATH; run this on a login node of the cluster, or executor=local"


def test_what_sbatch_refuses_is_said_by_it_and_by_us(root: Path, controller: Path) -> None:
    result = execute(command(on_slurm(root, "refused", partition="missing")))
    assert one_line_error(result) == "executor=slurm: sbatch ended with status 1; its own line is above"
    assert "sbatch: error: invalid partition specified: missing" in result.stderr


@pytest.mark.parametrize(("gpus", "backend"), [(1, None), (2, "mp")])
def test_vllm_spreads_a_model_over_processes_also_inside_a_ray_worker(
    gpus: int, backend: str | None, tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left to itself vLLM would ask Ray for a bundle a GPU, where the worker has one bundle of all its GPUs."""
    platform = SimpleNamespace(is_cpu=lambda: False)
    monkeypatch.setitem(sys.modules, "vllm", SimpleNamespace(LLM=lambda **settings: settings))
    monkeypatch.setitem(sys.modules, "vllm.platforms", SimpleNamespace(current_platform=platform))
    settings = load_vllm(
        EngineConfig(name="vllm", device="cuda", dtype="bfloat16", tensor_parallel=gpus), tiny, "model_path"
    )
    assert (settings["tensor_parallel_size"], settings.get("distributed_executor_backend")) == (gpus, backend)


def test_a_busy_controller_is_asked_again_before_a_job_is_submitted(
    root: Path, controller: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is queued already would else be submitted twice."""
    monkeypatch.setattr(slurm, "QUEUE_SECONDS", 0.01)
    (controller / "busy").write_text("3")
    config = on_slurm(root, "busy")
    artifacts.begin(config)
    assert slurm.queued_surely(slurm.job_name(config)) is False
    assert not (controller / "busy").exists()
    (controller / "busy").write_text("99")
    with pytest.raises(ValueError) as error:
        launch(config)
    assert str(error.value) == (
        "executor=slurm: squeue does not answer (slurm_load_jobs error: Socket timed out on send/recv operation); "
        "repeat the command when the controller is well"
    )
    assert not (controller / "submitted").exists()
    slurm.cancel("any job")  # nobody can be asked, and nothing is raised


def test_slurm_wants_a_partition() -> None:
    said = "executor.partition=None: name the Slurm partition to run in; sinfo lists them"
    assert one_line_error(run("augment.py", "executor=slurm")) == said


def test_ray_that_is_not_installed_is_one_line(root: Path, tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise ModuleNotFoundError('ray')")
    line = command(augmentation(root, "no-ray", kind="ray"))
    said = one_line_error(execute(line, PYTHONPATH=f"{tmp_path}:{ECHO['PYTHONPATH']}"))
    assert said == "executor=ray: Ray is not installed; pip install 'ray>=2.50,<3'"


@pytest.mark.slow
def test_no_ray_cluster_is_one_line(root: Path) -> None:
    pytest.importorskip("ray")
    line = command(augmentation(root, "no-cluster", kind="ray"))
    with only_ray():
        said = one_line_error(execute(line))
    assert said == ("executor.address=auto: no Ray cluster there; start one with `ray start --head`, or give host:port")
