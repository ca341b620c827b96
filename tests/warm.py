"""Commands run by children of a process that has imported everything: the real thing, started in a fraction of the time.

A command that runs a model costs seconds of importing and often less of work, a loop that many times. One server imports once
and forks commands and their ranks, which fork the stages and workers that they start. Each finds what a shell, torchrun or
srun would give it: its variables, its command line, and files for what it says.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, NoReturn

from humpback_exp.execution.ranks import rank_variables

ROOT = Path(__file__).parents[1]


@dataclass
class Run:
    """A command and its ranks; `said` is what they wrote."""

    warm: "Warm"
    pids: list[int]
    log: Path
    codes: list[int] = field(default_factory=list)

    def wait(self) -> "Run":
        self.codes = [self.warm.ask(wait=pid) for pid in self.pids]
        return self

    @property
    def said(self) -> str:
        return self.log.read_text()

    def kill(self, signum: int = signal.SIGKILL, ranks: slice = slice(None)) -> "Run":
        for pid in self.pids[ranks]:
            os.kill(pid, signum)
        return self

    def when(self, sign: Path) -> "Run":
        """Wait until `sign` (a pattern) exists."""
        while not list(sign.parent.glob(sign.name)):
            assert all(Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z" for pid in self.pids), self.said
            time.sleep(0.002)
        return self


class Warm:
    """The parent of all commands, which the first of them starts: `warm("train.py", ..., ranks=2).wait()`."""

    def __init__(self) -> None:
        self.server: subprocess.Popen[bytes] | None = None
        self.logs = TemporaryDirectory()
        self.numbers = count()

    def ask(self, **request: object) -> Any:
        """What the server answers; one that is left in the middle of an answer is of no use to the next test."""
        if self.server is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            environment = os.environ | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
            self.server = subprocess.Popen([sys.executable, "-m", "tests.warm"], cwd=ROOT, env=environment, **pipes)
        try:
            self.server.stdin.write(json.dumps(request).encode() + b"\n")
            self.server.stdin.flush()
            return json.loads(self.server.stdout.readline())
        except BaseException:
            self.server.kill()
            self.server = None
            raise

    def close(self) -> None:
        """End the server, and what it still runs."""
        if self.server is not None:
            self.server.communicate()

    def log(self) -> Path:
        return Path(self.logs.name) / f"{next(self.numbers)}.log"

    def __call__(self, *command: object, ranks: int = 1, variables: list[dict[str, str]] | None = None) -> Run:
        """A command, or its ranks, which goes on while the test does."""
        log, words = self.log(), [str(word) for word in command]
        each = variables or ([{}] if ranks == 1 else rank_variables(ranks))
        given = os.environ | {"DS_ACCELERATOR": "cpu"}
        start = {"argv": words, "out": str(log), "err": str(log)}
        return Run(self, [self.ask(**start, environment=given | own) for own in each], log)

    def run(self, words: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        """A command that is waited for, with what it wrote."""
        out, err = self.log(), self.log()
        pid = self.ask(argv=words, environment=environment, out=str(out), err=str(err))
        return subprocess.CompletedProcess(words, self.ask(wait=pid), out.read_text(), err.read_text())


def serve() -> None:
    """Answer `{"load": true}` once all is imported, `{"argv": ...}` with the process id of a child that runs it, and
    `{"wait": pid}` with its status."""
    import hydra_plugins.point_sweeper  # noqa: F401

    answers, children = os.fdopen(os.dup(1), "w"), set()
    for line in sys.stdin:
        request = json.loads(line)
        if "load" in request:
            status = load()
        elif "wait" in request:
            status = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
            children.discard(request["wait"])
        else:
            status = os.fork() or become(**request)
            children.add(status)
        print(status, file=answers, flush=True)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def load() -> int:
    """Import what runs models."""
    import deepspeed.runtime.zero.muon.muon_optimizer  # noqa: F401
    import transformers.models.llama.modeling_llama  # noqa: F401

    from humpback_exp.stages import augment, evaluate, gate, rewrite, score, segment, select, train  # noqa: F401

    return 0


def become(argv: list[str], environment: dict[str, str], out: str, err: str) -> NoReturn:
    """Become the command."""
    for descriptor, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    execute(argv, environment)


def execute(argv: list[str], environment: dict[str, str]) -> NoReturn:
    """Do what `python ARGV` does, in this process, and end it, without the exit handlers that were set up before the fork."""
    from humpback_exp.bulk import workers
    from humpback_exp.execution import ranks

    ranks.subprocess = workers.subprocess = SimpleNamespace(Popen=Forked)
    os.environ.clear()
    os.environ.update(environment)
    status = 0
    try:
        if argv[0] == "-m":
            sys.argv = argv[1:]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # the module was imported before, as runpy notes
                runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = argv
            runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


class Forked(subprocess.Popen):
    """`[sys.executable, "-m", MODULE, ...]` as a fork of this process, which has imported everything."""

    def _execute_child(self, args: Any, executable: Any, preexec_fn: Any, *rest: Any) -> None:
        *_, environment = rest[:4]  # close_fds, pass_fds, cwd, env
        self.pid = os.fork()
        if self.pid == 0:
            preexec_fn()
            execute(args[1:], environment)
        self._child_created = True


if __name__ == "__main__":
    serve()
