"""What a check is told, and what it says: one row a figure."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MARK = "gpu-check row: "
"""Stands before a row on a check's standard output."""
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Setup:
    """Where a check runs and where its files go."""

    device: str
    """cuda or cpu."""
    folder: Path

    @property
    def tiny(self) -> bool:
        """Whether shapes are tiny, to try the script and not the machine."""
        return self.device == "cpu"

    def arguments(self) -> list[str]:
        return ["--device", self.device, "--to", str(self.folder)]

    def command(self, check: str) -> list[str]:
        """One check in a process of its own."""
        return [sys.executable, "-m", "benchmarks.gpu.check", *self.arguments(), "--run", check]


@dataclass(slots=True)
class Row:
    """One figure."""

    check: str
    what: str
    figure: float | str | None
    """None: not measured, for the reason in `note`."""
    bound: str = ""
    plan: float | str | None = None
    """What `python plan.py` says of the very config, in the same unit."""
    passed: bool | None = None
    """None where no bound was set."""
    note: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    """What holds for the whole run: versions, GPU, driver."""

    def cells(self) -> list[str]:
        verdict = {True: "passed", False: "**not passed**", None: ""}[self.passed]
        return [self.check, self.what, number(self.figure), self.bound, number(self.plan), verdict, self.note]

    def line(self) -> str:
        return " | ".join(cell for cell in self.cells() if cell)


def number(value: float | str | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def at_most(check: str, what: str, figure: float, bound: float, **more: Any) -> Row:
    """A row that passes where the figure keeps within its bound; no number never does."""
    return Row(check, what, figure, f"at most {bound:.3g}", passed=figure <= bound, **more)


def at_least(check: str, what: str, figure: float, bound: float, **more: Any) -> Row:
    return Row(check, what, figure, f"at least {bound:.3g}", passed=figure >= bound, **more)


def missing(check: str, what: str, reason: str, passed: bool | None = None) -> Row:
    """A row for what was not measured."""
    return Row(check, what, None, passed=passed, note=f"not measured: {reason}")


def markdown(facts: dict[str, Any], rows: Sequence[Row]) -> str:
    """The facts of the run and a table with a row a figure."""
    head = ["check", "what", "measured", "bound", "plan", "", "note"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    told = [f"- {name}: {value}" for name, value in facts.items()]
    table = ["| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in lines]
    return "\n".join(["# GPU check", "", *told, "", *table, ""])
