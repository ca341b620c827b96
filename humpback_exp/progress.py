"""What a person sees while a stage runs: on a terminal a bar with rate and time left, elsewhere log lines; at the end a table."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import StringIO
from typing import Any

from tabulate import tabulate
from tqdm import tqdm

from humpback_exp.distributed import rank
from humpback_exp.terminal_text import printable

log = logging.getLogger("humpback_exp")
INTERVAL = 30.0
"""Seconds between two log lines, and between two points in W&B of a bulk stage."""
LINE = "{desc}: {n_fmt} of {total_fmt}, {rate_noinv_fmt}, {remaining} left"
"""A bar as a log line."""
Advance = Callable[[float, int], object]
"""Called with the rows just finished, parts of rows included, and the tokens that were read and written for them. Rows that must
be done again are taken back with a negative number."""


def set_up_logging() -> None:
    """Our log lines on stderr, with the time, from the first rank; warnings from all ranks and other libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    log.setLevel(logging.INFO if rank() == 0 else logging.WARNING)


@lru_cache(maxsize=1024)
def warn_once(line: str) -> None:
    """Log a warning that this process has not given yet: a file is read several times."""
    log.warning("%s", line)


class _Printable(logging.Formatter):
    """Lines that name files and addresses of others."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def bar(
    total: int, description: str, unit: str = "row", initial: int = 0, delay: float = 0.0, lines: bool = True
) -> "tqdm[Any]":
    """A progress bar to `update`; where stderr is no terminal, a log line every `INTERVAL` seconds.

    Args:
        delay: seconds in which the bar is not shown.
        lines: False for work that logs lines of its own.
    """
    shown = sys.stderr.isatty()
    log_lines: dict[str, Any] = {
        "file": _LogLines(), "bar_format": LINE, "leave": False, "mininterval": INTERVAL, "maxinterval": INTERVAL,
    }  # fmt: skip
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        unit_scale=unit == "B",
        initial=initial,
        delay=delay if shown else INTERVAL,
        disable=rank() > 0 or not (shown or lines),
        dynamic_ncols=shown,
        smoothing=0.1,
        **({} if shown else log_lines),
    )


class _LogLines(StringIO):
    """What a bar draws, as log lines; it wipes itself out with spaces."""

    def write(self, text: str) -> int:
        if line := " ".join(text.split()):
            log.info("%s", line)
        return len(text)


def counting(progress: "tqdm[Any]") -> Advance:
    """A function for an engine to call with finished rows and their tokens, which moves the bar by whole rows."""
    at: float = progress.n

    def count(rows: float, _: int) -> None:
        nonlocal at
        at += rows
        progress.update(whole(at) - progress.n)

    return count


def whole(rows: float) -> int:
    """The rows that are done whole; thirds of rows may add up to a little less than one."""
    return int(rows + 1e-6)


def part(advance: Advance, share: float) -> Advance:
    """For one of several passes over the same rows: each row counts for this share of it, tokens count as they are."""
    return lambda rows, tokens: advance(rows * share, tokens)


def table(rows: Sequence[Mapping[str, object]], numbers: str = ".3f") -> str:
    """Rows of equal keys as aligned text, numbers that are not whole in the format `numbers`."""
    shown = [{_shown(head): _shown(cell) for head, cell in row.items()} for row in rows]
    return tabulate(shown, headers="keys", floatfmt=numbers, missingval="-")


def _shown(cell: Any) -> Any:
    return printable(cell) if isinstance(cell, str) else cell


def stage_table(title: str, rows: Sequence[tuple[str, object]]) -> None:
    """Print a title and aligned rows of a name and its value; numbers that are not whole with four digits."""
    shown = [(name, f"{value:.4g}" if isinstance(value, float) else value) for name, value in rows]
    print(
        f"\n{title}\n" + tabulate(shown, tablefmt="plain", disable_numparse=True, colalign=("left", "right")),
        flush=True,
    )
