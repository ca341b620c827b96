"""How fast a bulk stage goes: the work of its chunks added up, shown as a bar or log lines, and sent to W&B."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tqdm import tqdm

from humpback_exp.progress import INTERVAL, bar, log, whole

Words = tuple[str, str, str]
ROWS_AND_TOKENS: Words = ("rows", "tokens", "kept")
"""What a bulk stage calls what it counts: rows, the smaller things in them, and rows that are usable, which may be unsaid."""


@dataclass(slots=True, frozen=True)
class Throughput:
    """How much work a chunk of a bulk stage was, or several chunks together."""

    rows: int = 0
    kept: int = 0
    """How many of the rows are usable."""
    tokens: int = 0
    """Tokens that the model read or wrote."""
    seconds: float = 0.0
    """Working time of all workers added up, without loading the model."""

    def __add__(self, other: "Throughput") -> "Throughput":
        return Throughput(
            self.rows + other.rows, self.kept + other.kept, self.tokens + other.tokens, self.seconds + other.seconds
        )

    def speeds(self) -> dict[str, float]:
        """Rows and tokens a second and worker; nothing where nothing was done."""
        if not self.seconds:
            return {}
        return {"rows_per_second": self.rows / self.seconds, "tokens_per_second": self.tokens / self.seconds}


class Meter:
    """The progress of a bulk stage: a bar on a terminal, else a log line now and then, and the same figures for W&B.

    Speeds are those of all workers in this session. Rows of an earlier session count as done, but not as fast.
    """

    def __init__(
        self,
        total: int,
        description: str,
        before: Throughput,
        tell: Callable[[Mapping[str, float], int], object],
        words: Words = ROWS_AND_TOKENS,
    ) -> None:
        """
        Args:
            before: the work that earlier sessions committed.
            tell: called with the figures and the rows done every `INTERVAL` seconds and at the end.
            words: what rows, tokens and kept rows are called.
        """
        self.words = words
        self.total, self.description, self.before, self.tell = total, description, before, tell
        self.done, self.rows, self.tokens = before, 0.0, 0
        self.began = self.told = time.monotonic()
        self.bar = bar(total, description, initial=before.rows, lines=False)

    def advance(self, rows: float, tokens: int) -> None:
        """Count rows, or parts of rows, of a chunk on which this process is still working."""
        self.rows, self.tokens = self.rows + rows, self.tokens + tokens
        self._show()

    def committed(self, figures: Throughput) -> None:
        """Count a chunk that is complete, whichever process made it."""
        self.done, self.rows, self.tokens = self.done + figures, 0.0, 0
        self._show()

    def _show(self) -> None:
        self.bar.set_postfix_str(describe(self.figures(), self.words), refresh=False)
        self.bar.update(self.at - self.bar.n)
        if time.monotonic() - self.told > INTERVAL:
            self._tell()

    def _tell(self) -> None:
        figures, self.told = self.figures(), time.monotonic()
        if self.bar.disable:
            left = figures["seconds_left"]
            took = f", {tqdm.format_interval(left)} left" if left > 0 else ""
            said = f"{self.total} {self.words[0]}, {describe(figures, self.words)}"
            log.info("%s: %d of %s%s", self.description, self.at, said, took)
        self.tell(figures, self.at)

    @property
    def at(self) -> int:
        """Rows done, including those of unfinished chunks."""
        return whole(self.done.rows + self.rows)

    def figures(self) -> dict[str, float]:
        """The figures at this moment, by their names in W&B. The share of kept rows is known once a chunk is complete."""
        tokens = self.done.tokens + self.tokens
        seconds = max(time.monotonic() - self.began, 1e-9)
        rows = self.done.rows + self.rows
        speed = (rows - self.before.rows) / seconds
        figures = {
            f"{self.words[0]}_per_second": speed,
            f"{self.words[1]}_per_second": (tokens - self.before.tokens) / seconds,
            "seconds_left": (self.total - rows) / speed if speed else float("nan"),
        }
        return figures | ({"kept_share": self.done.kept / self.done.rows} if self.done.rows else {})

    def close(self) -> None:
        """Report the last figures."""
        self._tell()
        self.bar.close()


def describe(figures: Mapping[str, float], words: Words = ROWS_AND_TOKENS) -> str:
    """`0.52 rows/s, 310 tokens/s, 97 % kept`."""
    rows, tokens, kept = words
    speeds = f"{figures[f'{rows}_per_second']:.3g} {rows}/s, {figures[f'{tokens}_per_second']:.0f} {tokens}/s"
    return f"{speeds}, {100 * figures['kept_share']:.0f} % {kept}" if kept and "kept_share" in figures else speeds
