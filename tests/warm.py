"""Commands run by children of a process that has imported everything: the real thing, started in a fraction of the time.

A run of two ranks costs some twenty seconds of importing and two of training. `Warm` forks its ranks from one process
that imported once, and gives them what torchrun or srun would: their variables and the command line.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

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
    """The parent of all runs; `with Warm(folder) as warm: warm("train.py", ..., ranks=2).wait()`."""

    def __init__(self, logs: Path) -> None:
        self.logs, self.count = logs, 0
        environment = os.environ | {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tests.warm"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> "Warm":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.communicate()

    def ask(self, **request: object) -> int:
        self.server.stdin.write(json.dumps(request).encode() + b"\n")
        self.server.stdin.flush()
        return json.loads(self.server.stdout.readline())

    def __call__(self, *command: object, ranks: int = 1, variables: list[dict[str, str]] | None = None) -> Run:
        self.count += 1
        log = self.logs / f"{self.count}.log"
        each = variables or ([{}] if ranks == 1 else rank_variables(ranks))
        words = [str(word) for word in command]
        return Run(self, [self.ask(argv=words, variables=own, log=str(log)) for own in each], log)


def serve() -> None:
    """Answer `{"argv": ...}` with the process id of a child that runs it, `{"wait": pid}` with its status."""
    import deepspeed.runtime.zero.muon.muon_optimizer  # noqa: F401
    import transformers.models.llama.modeling_llama  # noqa: F401

    import humpback_exp.modeling.export
    import humpback_exp.modeling.trainer
    import humpback_exp.stages.train  # noqa: F401

    answers, children = os.fdopen(os.dup(1), "w"), set()
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            status = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
            children.discard(request["wait"])
        else:
            status = os.fork() or be(**request)
            children.add(status)
        print(status, file=answers, flush=True)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def be(argv: list[str], variables: dict[str, str], log: str) -> int:
    """Become the command; never returns."""
    for descriptor in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    os.environ.update(variables)
    sys.argv = argv
    status = 0
    try:
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


if __name__ == "__main__":
    serve()
