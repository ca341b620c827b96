"""One line and an exit status for everything that ends a command: a user's mistake, a failed stage, a signal.

Root scripts call `user_errors(main)`, and `exit_on_user_error(stage)` in Hydra's task function.
"""

import errno
import os
import re
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from humpback_exp.config.experiments import misplaced
from humpback_exp.distributed import LOST, Stopped, ended_with_its_work, leave_on_signals, rank, started_outside
from humpback_exp.terminal_text import printable

FULL = "HYDRA_FULL_ERROR"
SHOWN = "HUMPBACK_FULL_ERROR"
"""What the user had set HYDRA_FULL_ERROR to, before we set it."""
ERRORS = "HUMPBACK_ERRORS"
"""Descriptor to which our own children write their one-line error; the parent prints each line once."""
LOST_PEER = re.compile(r"gloo|NCCL|Connection (closed|reset) by peer|TCPStore|c10d", re.IGNORECASE)
"""What torch says when a rank it waits for is gone."""
DEVICE_FAILURES = {
    "torch.AcceleratorError": "the GPU failed, and nothing more can be computed on it in this process; look for its Xid in the "
    "kernel's log; what was finished is kept, the same command goes on from there",
    "torch.OutOfMemoryError": "the GPU's memory does not suffice; lower trainer.micro_tokens and trainer.micro_batch in "
    "training, engine.batch_size elsewhere, or use a larger GPU; what was finished is kept",
}
"""Errors of torch that are neither the user's nor ours, and what to do."""
LIBRARIES = ("hydra", "omegaconf", "wandb")
"""Libraries whose errors are about what the user asked for."""
NOISE = ("object_type", "reference_type", "full_key", "To append to your config")
"""Beginnings of lines in Hydra's messages that help nobody here."""
NO_ROOM = {errno.ENOSPC: "no space left on the disk", errno.EDQUOT: "no space left in your quota of the disk"}
CONF = Path(__file__).parents[1] / "conf"
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 + SIGINT."""


class PointFailed(RuntimeError):
    """A point of a sweep is not finished, as its table says."""


class StageFailed(RuntimeError):
    """A stage's process failed. `lines` are its ranks' own error messages; there are none where a rank was killed."""

    def __init__(self, folder: Path, who: str, code: int, lines: Sequence[str] = ()) -> None:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"failed with status {code}"
        super().__init__(f"{folder}: {who}{how}; what was finished is kept, the same command goes on from there")
        self.code = 128 - code if code < 0 else code
        self.lines = list(lines)


def exit_on_user_error(run: Callable[[], object]) -> None:
    """Run inside Hydra's task function. A user's mistake ends the program here, since Hydra would add lines to an exception."""
    try:
        run()
        sys.stdout.flush()  # here, where a reader that has gone is no traceback
    except Exception as error:
        sys.exit(report(error))


@ended_with_its_work()
def user_errors(main: Callable[[], object], child: bool = False) -> None:
    """Run `main`; a user's mistake becomes one line and exit status 2, an interrupt status 130.

    Hydra prints its own composition errors over several lines and exits with 1, so it is told to raise them.
    `HYDRA_FULL_ERROR=1` shows the traceback.

    Args:
        child: whether another process of ours started this one; that process then reports interrupts.
    """
    os.environ.setdefault(SHOWN, os.environ.get(FULL, "0"))
    os.environ[FULL] = "1"
    leave_on_signals()
    try:
        main()
        sys.stdout.flush()
    except PointFailed:
        print("some points are not finished, as the table says; the same command runs only those", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        if not child:
            print("interrupted; what was finished is kept, the same command goes on from there", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Stopped as stop:
        if not child and rank() == 0:
            print(f"{stop.name}; what was finished is kept, the same command goes on from there", file=sys.stderr)
        sys.exit(stop.code)
    except Exception as error:
        sys.exit(report(error))


def report(error: Exception) -> int:
    """Print one line about what went wrong and return the exit status. A fault of ours is raised again, with its traceback."""
    if isinstance(error, StageFailed):
        if error.code != INTERRUPTED:
            print(*error.lines or [f"error: {error}"], sep="\n", file=sys.stderr)
        return error.code
    if isinstance(error, RuntimeError) and started_outside() and LOST_PEER.search(str(error)):
        if ERRORS not in os.environ:
            sys.stderr.write("error: another rank has ended, so this one ends, too; that rank's own lines say why\n")
        return LOST
    if isinstance(error, BrokenPipeError) and error.filename is None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would flush into the pipe again at exit
        return 128 + signal.SIGPIPE
    library = type(error).__module__.split(".")[0]
    expected = isinstance(error, ValueError | OSError | ModuleNotFoundError) or library in LIBRARIES
    if not (expected or _device_failure(error)):
        raise error
    if os.environ.get(SHOWN) == "1":
        traceback.print_exception(error)
    line = f"error: {misplaced(Path(sys.argv[0]).name, sys.argv[1:]) or format_error(error)}\n"
    if ERRORS in os.environ:
        os.write(int(os.environ[ERRORS]), line.encode())
    else:
        sys.stderr.write(line)
    return 2


def format_error(error: Exception) -> str:
    """What went wrong, in one line that includes the causes."""
    if isinstance(error, StageFailed):
        return "; ".join(line.removeprefix("error: ") for line in error.lines) or str(error)
    if word := getattr(error, "override", None):
        return printable(_unread(str(word)))
    if isinstance(error, OSError) and error.errno in NO_ROOM:
        return f"{error.filename or 'output_root'}: {NO_ROOM[error.errno]}; free some, the same command goes on"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or ''}: {error.strerror}"
    if remedy := _device_failure(error):
        return f"{str(error).splitlines()[0]}: {remedy}"
    causes = [str(error)]
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
        causes.append(str(error))
    text = "\n".join(cause.split("Config search path")[0] for cause in causes)
    lines = (line.strip() for line in text.splitlines())
    kept = dict.fromkeys(line for line in lines if line and not line.startswith(NOISE))
    if type(error).__name__ == "MissingConfigException" and text.startswith("Cannot find primary config"):
        kept |= {f"It holds {', '.join(_primary_configs(sys.argv)) or 'none'}": None}
    return printable(re.sub(r"\s+", " ", re.sub(r"^: |(?<=[:.]);", "", "; ".join(kept)))).strip()


def _primary_configs(words: Sequence[str]) -> list[str]:
    """Names that may follow `-cn` or `--config-name`: those of the folder after `-cd` or `--config-dir`, else of `conf/`."""
    named = [after for word, after in pairwise(words) if word in ("-cd", "--config-dir")]
    named += [word.partition("=")[2] for word in words if word.startswith("--config-dir=")]
    return sorted(path.stem for path in Path(named[-1] if named else CONF).glob("*.yaml"))


def _unread(word: str) -> str:
    """What to say of a word of the command line that Hydra's grammar does not take."""
    key, equals, value = word.partition("=")
    if not equals:
        return f"{word}: is no KEY=VALUE; --help lists the keys"
    if value.startswith(("[", "{")):
        return f"{word}: cannot be read; its brackets, commas and quotes do not fit together"
    escaped = value.replace('"', '\\"')
    quoted = shlex.quote(f'{key}="{escaped}"')
    return f"{word}: cannot be read; a value with signs other than letters, digits and ./:_- goes into quotes: {quoted}"


def _device_failure(error: Exception) -> str | None:
    """What to do about an error of the GPU; None for any other."""
    return DEVICE_FAILURES.get(f"{type(error).__module__}.{type(error).__name__}")
