"""Answers of an endpoint on disk as they come in, so that a stop costs the requests under way and no more."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import digest
from humpback_exp.turn_marks import SURROGATE

Row = int | str


class ResponseCache:
    """One file a call, named by all that was asked in it: the same chunk done again finds its answers, whoever does it.

    A line is the row (its number in the call, or text that names it) and what was read from its answer; each begins with a
    line break, so that one that a kill tore apart spoils no other.
    """

    def __init__(self, folder: Path, *asked: Any) -> None:
        self.path = folder / f"{digest(list(asked))[:32]}.jsonl"
        self.kept: dict[Row, Any] = dict(self._lines())

    def _lines(self) -> Iterator[tuple[Row, Any]]:
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                row, value = json.loads(line)
            except (ValueError, TypeError):
                continue
            if not SURROGATE.search(json.dumps(value, ensure_ascii=False)):  # no file holds half a character; ask again
                yield row, value

    def keep(self, row: Row, value: Any) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps([row, value]))
        self.kept[row] = value
