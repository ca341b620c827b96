"""The rows that a search for duplicates has kept so far, by the groups of rows that share something. Called by dedup."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humpback_exp.corpus.disk_arrays import Numbers
from humpback_exp.corpus.fingerprints import DTYPE, PERMUTATIONS


class KeptRows:
    """They lie on the disk, beside the signatures."""

    def __init__(self, folder: Path) -> None:
        self.signatures = Numbers(folder / "signatures", DTYPE)
        self.copies = Numbers(folder / "copies", "u1")
        """Whether a row of a group was kept."""
        self.last = Numbers(folder / "last", "<u8")
        """Group -> one more than the number of its latest link, 0 for none."""
        self.links = Numbers(folder / "links", "<u8")
        """A kept row, and its group's link before it, by turns."""
        self.count = 0

    def __enter__(self) -> "KeptRows":
        return self

    def __exit__(self, *_: object) -> None:
        for numbers in (self.signatures, self.copies, self.last, self.links):
            numbers.close()

    def has_similar(self, row: int, groups: list[int], threshold: float) -> bool:
        """Whether a kept row of one of the groups is like this one."""
        candidates = {kept for group in groups for kept in self._of(group)}
        own = self._signature(row) if candidates else None
        return any(np.mean(own == self._signature(kept)) >= threshold for kept in candidates)

    def has_copy(self, groups: list[int]) -> bool:
        """Whether a row of one of the groups, which share a digest or an id, was kept."""
        return any(self.copies[group] for group in groups)

    def add(self, row: int, same: list[int], near: list[int]) -> None:
        """Keep a row.

        Args:
            same: groups that share a digest or an id with it.
            near: groups that share a band.
        """
        for group in same:
            self.copies[group] = 1
        for group in near:
            self.links[2 * self.count] = row
            self.links[2 * self.count + 1] = self.last[group]
            self.count += 1
            self.last[group] = self.count

    def _of(self, group: int) -> Iterator[int]:
        link = self.last[group]
        while link:
            yield self.links[2 * link - 2]
            link = self.links[2 * link - 1]

    def _signature(self, row: int) -> NDArray[np.uint32]:
        return self.signatures.read(row * PERMUTATIONS, PERMUTATIONS)
