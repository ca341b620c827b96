"""A table: rows of named values, which a page, the terminal and a CSV file each write in their own way.

A further table of a page is `table([{head: value, ...}, ...])` and a line of its template, `parts.table(NAME)`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from humpback_exp.analysis.format import DASH, number, span
from humpback_exp.evaluation.intervals import Interval


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure or a text."""

    text: str = DASH
    small: str = ""
    """Its interval, in small print."""
    side: int = 0
    """Whether it is a change for the better or the worse beyond noise."""


Row = Mapping[str, object]
"""Head -> a cell, a text, a number, or None for what is not there; the first column names the rows."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells."""

    head: list[str]
    rows: list[list[Cell]]


def table(rows: Sequence[Row]) -> Table:
    """The columns in which anything stands."""
    heads = dict.fromkeys(head for row in rows for head in row)
    columns = {head: [cell(row.get(head)) for row in rows] for head in heads}
    kept = {head: cells for head, cells in columns.items() if any(one.text != DASH for one in cells)}
    return Table(list(kept), [list(row) for row in zip(*kept.values(), strict=True)])


def cell(value: object) -> Cell:
    """A dash for None."""
    if isinstance(value, Cell):
        return value
    if isinstance(value, float):
        return Cell(f"{value:.4g}")
    return Cell() if value is None else Cell(f"{value:,}" if isinstance(value, int) else str(value))


def figure(one: Interval | None, form: str, side: int = 0) -> Cell:
    """A figure with its 95 % interval."""
    return Cell() if one is None else Cell(number(one.value, form), span(one.ends, form) if one.error > 0 else "", side)


def to_csv(rows: Sequence[Row]) -> bytes:
    """The rows as a CSV file, all with the columns of the first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
