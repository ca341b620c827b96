"""Every GPU path, proved on one GPU within minutes and without a network: `make gpu-check` (docs/gpu.md).

    python -m benchmarks.gpu.check [--only NAME ...] [--to FOLDER] [--device cpu]

Each check is a module beside this file and runs in a process of its own, so that a crash or a hang costs that check alone.
What it measured is in `gpu-check.json` and `gpu-check.md` as soon as it is printed. `--device cpu` runs the same checks with
tiny shapes, which shows that the script works and nothing else.
"""

import argparse
import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from importlib import import_module
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from benchmarks.gpu.rows import MARK, Row, Setup, markdown

CHECKS = {
    "machine": 30,
    "kernels": 60,
    "parity": 90,
    "whole": 240,
    "generation": 120,
    "marked": 60,
    "resume": 120,
    "loop": 240,
}
"""The checks, what tells most first, and the seconds that each may take."""
MINUTES = 8.0
SLOWER = 10
"""How much longer checks may take on a CPU, which proves the script and no speed."""


def refuse_early(device: str) -> None:
    """End the program in one line where no check could run."""
    if names := lacking():
        refuse(
            f"{', '.join(names)} not installed; make gpu-bundle where there is a network, then "
            "python3 gpu-bundle/install.py here (docs/gpu.md)"
        )
    if device == "cuda" and (reason := no_gpu()):
        refuse(f"{reason}; --device cpu tries the script itself with tiny shapes")


def refuse(reason: str) -> None:
    print(f"error: {reason}", file=sys.stderr)
    sys.exit(2)


def lacking() -> list[str]:
    """What the project asks for, DeepSpeed included, and this Python does not have."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["deepspeed"]]
    here = {name_of(each.name) for each in distributions()}
    return [name for name in map(name_of, asked) if name not in here]


def name_of(requirement: str) -> str:
    """The name that a requirement begins with, in the one spelling that packages are compared by."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def no_gpu() -> str | None:
    """Why torch cannot use a GPU here, None where it can."""
    import torch

    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition(". ")[0]
        return f"torch {torch.__version__} finds no GPU it can use ({reason})"
    return None if torch.cuda.device_count() else f"torch {torch.__version__} sees no GPU"


@dataclass
class Report:
    """The rows of one run; both files hold what was measured so far, at any time."""

    setup: Setup
    started: str = field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    facts: dict[str, Any] = field(default_factory=dict)
    """Versions, GPU and driver, as the first check tells them."""
    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.facts |= row.facts
        self.rows.append(row)
        print(row.line(), flush=True)
        self.write()

    def write(self) -> None:
        whole = {"started": self.started, "device": self.setup.device, **self.facts}
        rows = [{key: value for key, value in asdict(row).items() if key != "facts"} for row in self.rows]
        for name, text in (
            ("gpu-check.json", json.dumps(whole | {"rows": rows}, indent=1)),
            ("gpu-check.md", markdown(whole, self.rows)),
        ):
            path = self.setup.folder / name
            path.with_suffix(".tmp").write_text(text, encoding="utf-8")
            path.with_suffix(".tmp").replace(path)


def run(name: str, setup: Setup, seconds: float) -> Iterator[Row]:
    """Rows of one check as they come, and one that says so where it failed or reached its bound."""
    log = setup.folder / f"{name}.log"
    with log.open("w", encoding="utf-8") as err:
        child = subprocess.Popen(setup.command(name), stdout=subprocess.PIPE, stderr=err, start_new_session=True)
        try:
            yield from rows_until(child, time.monotonic() + seconds)
            code = child.wait(timeout=5)
            if code:
                yield Row(name, "ended", f"status {code}", "status 0", passed=False, note=last_line(log))
        except subprocess.TimeoutExpired:
            yield Row(name, "ended", f"stopped after {seconds:.0f} s", f"{seconds:.0f} s", passed=False)
        finally:
            kill_group(child)


def rows_until(child: "subprocess.Popen[bytes]", end: float) -> Iterator[Row]:
    """What the child prints after `MARK`, line by line.

    Raises:
        subprocess.TimeoutExpired: the time is over.
    """
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        pending = b""
        while True:
            if not selector.select(max(0.0, end - time.monotonic())):
                raise subprocess.TimeoutExpired(child.args, 0)
            block = os.read(child.stdout.fileno(), 1 << 16)
            if not block:
                return
            *lines, pending = (pending + block).split(b"\n")
            for line in lines:
                if line.startswith(MARK.encode()):
                    yield Row(**json.loads(line[len(MARK) :]))


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    """End what the check started, too: its trainings and engines hold GPU memory."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def last_line(log: Path) -> str:
    """What the child said last; the whole is in its log."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return f"{lines[-1][:300]} ({log})" if lines else str(log)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--to", type=Path, default=Path("outputs/gpu-check"), help="for the tables, logs and weights")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS), help="checks to run")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for all checks together")
    parser.add_argument("--run", choices=CHECKS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    setup = Setup(arguments.device, arguments.to)
    if arguments.run:
        for row in import_module(f"benchmarks.gpu.{arguments.run}").rows(setup):
            print(MARK + json.dumps(asdict(row)), flush=True)
        return
    refuse_early(arguments.device)
    setup.folder.mkdir(parents=True, exist_ok=True)
    slower = SLOWER if setup.tiny else 1
    report, end = Report(setup), time.monotonic() + 60 * arguments.minutes * slower
    for name in arguments.only:
        left = end - time.monotonic()
        if left <= 0:
            report.add(Row(name, "started", "no", f"{arguments.minutes:g} min", passed=False, note="the time is over"))
            continue
        for row in run(name, setup, min(CHECKS[name] * slower, left)):
            report.add(row)
    failed = sum(row.passed is False for row in report.rows)
    print(f"{len(report.rows)} rows, {failed} not passed: {setup.folder}/gpu-check.md")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
