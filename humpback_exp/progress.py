"""What a person sees while a stage runs: a bar with rate and time left on a terminal, log lines elsewhere, a table at the end."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tabulate import tabulate
from tqdm import tqdm

from humpback_exp.processes import rank

log = logging.getLogger("humpback_exp")


def set_up_logging() -> None:
    """Our log lines on stderr, with the time, from the first rank; warnings from all ranks and other libraries."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.WARNING, stream=sys.stderr)
    log.setLevel(logging.INFO if rank() == 0 else logging.WARNING)


def bar(total: int, description: str, unit: str = "row", initial: int = 0) -> "tqdm[Any]":
    """A progress bar to `update`; silent where stderr is no terminal."""
    return tqdm(
        total=total,
        desc=description,
        unit=unit,
        initial=initial,
        disable=rank() > 0 or not sys.stderr.isatty(),
        dynamic_ncols=True,
        smoothing=0.1,
    )


def counting(progress: "tqdm[Any]") -> Callable[[int, int], object]:
    """What an engine calls with finished rows and their tokens, to move the bar."""

    def advance(rows: int, tokens: int) -> None:
        progress.update(rows)

    return advance


def table(rows: Sequence[Mapping[str, object]], numbers: str = ".3f") -> str:
    """Rows of equal keys as aligned text, numbers that are not whole in the format `numbers`."""
    return tabulate([dict(row) for row in rows], headers="keys", floatfmt=numbers, missingval="-")


def stage_table(
    title: str,
    went_in: int,
    came_out: int,
    drops: Mapping[str, int],
    seconds: float,
    where: object,
    figures: Mapping[str, float] | None = None,
) -> None:
    """Print how a stage ended: in, out, why the rest was dropped, what was measured, how long it took, where it lies."""
    rows: list[tuple[str, object]] = [("in", went_in)]
    rows += [(f"  dropped: {reason}", count) for reason, count in sorted(drops.items(), key=lambda item: -item[1])]
    rows += [("out", came_out)]
    rows += [(name.replace("_", " "), f"{value:.4g}") for name, value in (figures or {}).items() if value is not None]
    rows += [("seconds", round(seconds, 1)), ("folder", where)]
    print(
        f"\n{title}\n" + tabulate(rows, tablefmt="plain", disable_numparse=True, colalign=("left", "right")), flush=True
    )
