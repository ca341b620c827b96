"""The door between a command and a stage: frozen config -> fresh process group, and one line for a user's mistake.

Root scripts call `user_errors(main)` and, in it, `launch(config)`. `python -m humpback_exp.launch FOLDER` runs a folder
that `launch` froze; every rank of a process group is started that way.
"""

import ctypes
import errno
import importlib
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import StageConfig, TrainConfig
from humpback_exp.progress import log, set_up_logging

FULL = "HYDRA_FULL_ERROR"
_PR_SET_PDEATHSIG = 1


class StageFailed(RuntimeError):
    """A stage's process ended badly; it has said why itself."""

    def __init__(self, folder: Path, code: int) -> None:
        super().__init__(f"{folder}: failed with status {code}; what it finished is kept, the same command goes on")
        self.code = code


def launch(config: StageConfig, fresh: bool = False) -> Path:
    """Run a stage unless its folder is finished, and return the folder.

    Args:
        fresh: always use a process of its own, as sweep points and pipeline stages do.
    """
    set_up_logging()
    with artifacts.locked(config.folder) as lock:
        artifact = artifacts.begin(config, write=int(os.environ.get("RANK", 0)) == 0)
        if artifact.finished:
            log.info("%s: finished already, skipped", artifact.folder)
        elif fresh or (ranks(config) > 1 and "RANK" not in os.environ):
            _in_process_group(config, lock)
        else:
            _in_process(config, artifact)
    return config.folder


def ranks(config: StageConfig) -> int:
    """Processes on this node that the stage runs in."""
    return config.trainer.devices if isinstance(config, TrainConfig) else 1


def _in_process(config: StageConfig, artifact: artifacts.Artifact) -> None:
    log.info("%s: %s", config.stage, artifact.folder)
    importlib.import_module(f"humpback_exp.stages.{config.stage}").run(config, artifact)


def _in_process_group(config: StageConfig, lock: int) -> None:
    """Start every rank from outside, all from the frozen config; the children share the lock and die with us."""
    module = ["-m", "humpback_exp.launch", str(config.folder)]
    if ranks(config) > 1:
        module = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks(config)}", *module]
    process = subprocess.Popen([sys.executable, *module], pass_fds=[lock], preexec_fn=_die_with_parent)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise
    if code:
        raise StageFailed(config.folder, code if code > 0 else 128 - code)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def user_errors(main: Callable[[], object]) -> None:
    """Run `main`; a user's mistake becomes one line and exit status 2, an interrupt status 130.

    Hydra would print its own composition errors over several lines and exit with 1, so it is told to raise them.
    `HYDRA_FULL_ERROR=1` shows the traceback.
    """
    full = os.environ.get(FULL) == "1"
    os.environ[FULL] = "1"
    try:
        main()
    except StageFailed as error:
        print(error, file=sys.stderr)
        sys.exit(error.code)
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept, the same command goes on from there", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if not _is_users(error):
            raise
        if full:
            traceback.print_exc()
        print(f"error: {_one_line(error)}", file=sys.stderr)
        sys.exit(2)


def _is_users(error: Exception) -> bool:
    library = type(error).__module__.split(".")[0]
    return isinstance(error, ValueError | OSError | ModuleNotFoundError) or library in ("hydra", "omegaconf")


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"{error.filename or 'output_root'}: no space left on the disk; free some, the same command goes on"
    if isinstance(error, OSError):
        return f"{error.filename or ''}: {error.strerror or error}"
    causes = [str(error)]
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
        causes.append(str(error))
    lines = [line.strip() for cause in causes for line in cause.splitlines() if line.strip()]
    return "; ".join(dict.fromkeys(line for line in lines if not line.startswith("object_type")))


def main() -> None:
    """Run the frozen folder named on the command line, in this process."""
    set_up_logging()
    config, artifact = artifacts.open_stage(Path(sys.argv[1]))
    _in_process(config, artifact)


if __name__ == "__main__":
    user_errors(main)
