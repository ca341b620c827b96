"""The door between a command and a stage: frozen config -> fresh process group, and one line for a user's mistake.

Root scripts call `user_errors(main)` and, in it, `launch(config)`. `python -m humpback_exp.launch FOLDER` runs a folder
that `launch` froze; every rank of a process group is started that way.
"""

import errno
import importlib
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from humpback_exp import artifacts, planning
from humpback_exp.config import AugmentConfig, EvaluateConfig, GateConfig, ScoreConfig, StageConfig, TrainConfig
from humpback_exp.processes import STOPS, Stopped, die_with_parent, join_slurm, leave_on_signals, rank, started_outside
from humpback_exp.progress import log, set_up_logging
from humpback_exp.ranks import LOST, start_ranks, wait_for
from humpback_exp.tracking import track

FULL = "HYDRA_FULL_ERROR"
SHOWN = "HUMPBACK_FULL_ERROR"
"""What the user had set HYDRA_FULL_ERROR to, before we set it."""
ERRORS = "HUMPBACK_ERRORS"
"""Descriptor to which our own children write their one-line error; the parent prints each line once."""
LOST_PEER = re.compile(r"gloo|NCCL|Connection (closed|reset) by peer|TCPStore|c10d", re.IGNORECASE)
"""What torch says when a rank it waits for is gone."""
NOISE = ("object_type", "reference_type", "full_key", "To append to your config")
"""Beginnings of lines in Hydra's messages that help nobody here."""


INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT."""


class PointFailed(RuntimeError):
    """A point of a sweep failed and has been reported."""


class StageFailed(RuntimeError):
    """A stage's process ended badly; `said` tells whether it has said why itself."""

    def __init__(self, folder: Path, who: str, code: int, said: bool = False) -> None:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"failed with status {code}"
        super().__init__(f"{folder}: {who}{how}; what was finished is kept, the same command goes on from there")
        self.code, self.said = (128 - code if code < 0 else code), said or code == INTERRUPTED


def launch(config: StageConfig, fresh: bool = False) -> Path:
    """Run a stage unless its folder is finished, and return the folder.

    Args:
        fresh: always use a process of its own, as sweep points and pipeline stages do.
    """
    join_slurm()
    if "TORCHELASTIC_RUN_ID" in os.environ:
        die_with_parent()
    set_up_logging()
    check_ranks(config)
    check_machine(config)
    if rank() > 0:
        return _follow(config)
    with artifacts.locked(config.folder) as lock:
        artifact = artifacts.begin(config)
        if artifact.finished:
            log.info("%s: finished already, skipped", artifact.folder)
        elif (fresh or ranks(config) > 1) and not started_outside():
            _in_process_group(config, lock)
        else:
            _in_process(config, artifact)
    if isinstance(config, GateConfig):
        from humpback_exp.evaluation import gate

        gate.check(config, artifacts.load(config.folder).metrics)
    return config.folder


def check_machine(config: StageConfig) -> None:
    """Raise the ValueError of `planning` for a model that is still to be trained or run here, and cannot be."""
    if (config.folder / "manifest.json").exists():
        return
    if isinstance(config, TrainConfig):
        planning.check(config)
    elif isinstance(config, AugmentConfig | GateConfig | ScoreConfig | EvaluateConfig):
        planning.check_engine(config.engine)


def check_ranks(config: StageConfig) -> None:
    """Raise unless torchrun or srun, where it started this process, started as many ranks as the config wants."""
    if not isinstance(config, TrainConfig) or not started_outside():
        return
    nodes, devices, started = config.trainer.nodes, config.trainer.devices, int(os.environ["WORLD_SIZE"])
    if nodes * devices != started:
        raise ValueError(
            f"trainer.devices={devices}: on trainer.nodes={nodes} node(s) that makes {nodes * devices} ranks, but {started} "
            f"were started; start as many, or set both to what was started"
        )


def ranks(config: StageConfig) -> int:
    """Processes on this node that the stage runs in.

    Raises:
        ValueError: it needs several nodes, whose ranks only torchrun or srun on each of them can start.
    """
    if not isinstance(config, TrainConfig):
        return 1
    if config.trainer.nodes > 1 and not started_outside():
        raise ValueError(
            f"trainer.nodes={config.trainer.nodes}: start the ranks on every node, with srun or "
            f"torchrun --nnodes={config.trainer.nodes} --nproc-per-node={config.trainer.devices} train.py ..."
        )
    return config.trainer.devices


def _follow(config: StageConfig) -> Path:
    """A rank other than the first: wait until the first has opened the folder, then join in."""
    while not any((config.folder / name).exists() for name in ("begun.json", "manifest.json")):
        time.sleep(0.1)
    if not (config.folder / "manifest.json").exists():
        _in_process(config, artifacts.open_stage(config.folder)[1])
    return config.folder


def _in_process(config: StageConfig, artifact: artifacts.Artifact) -> None:
    log.info("%s: %s", config.stage, artifact.folder)
    stage = importlib.import_module(f"humpback_exp.stages.{config.stage}")
    with track(config, artifact) as tracker:
        tracker.finished(stage.run(config, artifact, tracker))


def _in_process_group(config: StageConfig, lock: int) -> None:
    """Start every rank from outside, all from the frozen config; the children share the lock and die with us.

    Raises:
        StageFailed: a rank ended badly; all have ended.
        Stopped: a signal reached this process or a rank; all have saved and ended.
    """
    count = ranks(config)
    reader, writer = os.pipe()
    os.environ[ERRORS] = str(writer)
    processes = start_ranks(["humpback_exp.launch", str(config.folder)], count, keep=[lock, writer])
    del os.environ[ERRORS]
    os.close(writer)
    culprit, code = wait_for(processes)
    with os.fdopen(reader, encoding="utf-8") as lines:
        said = dict.fromkeys(lines)
    print(*said, sep="", end="", file=sys.stderr)
    if code - 128 in STOPS:
        raise Stopped(code - 128)
    if code:
        raise StageFailed(config.folder, f"rank {culprit} of {count} " if count > 1 else "", code, said=bool(said))


def door(stage: Callable[[], object], sweep: bool) -> None:
    """Run `stage` inside Hydra's task function.

    Alone, a user's mistake ends the program here: Hydra would add lines of its own to an exception. In a sweep it is
    said at once and raised, so that Hydra goes on with the other points and fails at the end.
    """
    try:
        stage()
    except Exception as error:
        code = _report(error)
        if not sweep:
            sys.exit(code)
        raise PointFailed from error


def user_errors(main: Callable[[], object], child: bool = False) -> None:
    """Run `main`; a user's mistake becomes one line and exit status 2, an interrupt status 130.

    Hydra prints its own composition errors over several lines and exits with 1, so it is told to raise them.
    `HYDRA_FULL_ERROR=1` shows the traceback.

    Args:
        child: whether another process of ours started this one and speaks of interrupts itself.
    """
    os.environ.setdefault(SHOWN, os.environ.get(FULL, "0"))
    os.environ[FULL] = "1"
    leave_on_signals()
    try:
        main()
    except PointFailed:
        sys.exit("sweep: some points failed, as said above; the same command runs only those again")
    except KeyboardInterrupt:
        if not child:
            print("interrupted; what was finished is kept, the same command goes on from there", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Stopped as stop:
        if not child and rank() == 0:
            print(f"{stop.name}; what was finished is kept, the same command goes on from there", file=sys.stderr)
        sys.exit(stop.code)
    except Exception as error:
        sys.exit(_report(error))


def _report(error: Exception) -> int:
    """Say what went wrong in one line and return the exit status; what is our fault is raised again."""
    if isinstance(error, StageFailed):
        if not error.said:
            print(f"error: {error}", file=sys.stderr)
        return error.code
    if isinstance(error, RuntimeError) and started_outside() and LOST_PEER.search(str(error)):
        if ERRORS not in os.environ:
            print(
                "error: another rank has ended, so this one ends, too; that rank's own lines say why", file=sys.stderr
            )
        return LOST
    library = type(error).__module__.split(".")[0]
    if not (
        isinstance(error, ValueError | OSError | ModuleNotFoundError) or library in ("hydra", "omegaconf", "wandb")
    ):
        raise error
    if os.environ.get(SHOWN) == "1":
        traceback.print_exception(error)
    line = f"error: {_one_line(error)}\n"
    if ERRORS in os.environ:
        os.write(int(os.environ[ERRORS]), line.encode())
    else:
        sys.stderr.write(line)
    return 2


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"{error.filename or 'output_root'}: no space left on the disk; free some, the same command goes on"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or ''}: {error.strerror}"
    causes = [str(error)]
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
        causes.append(str(error))
    text = "\n".join(cause.split("Config search path")[0] for cause in causes)
    lines = (line.strip() for line in text.splitlines())
    kept = dict.fromkeys(line for line in lines if line and not line.startswith(NOISE))
    return re.sub(r"\s+", " ", re.sub(r"^: |(?<=[:.]);", "", "; ".join(kept))).strip()


def main() -> None:
    """Run the frozen folder named on the command line, in this process."""
    die_with_parent()
    set_up_logging()
    config, artifact = artifacts.open_stage(Path(sys.argv[1]))
    _in_process(config, artifact)


if __name__ == "__main__":
    user_errors(main, child=True)
