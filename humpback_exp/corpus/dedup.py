"""Which segments say again what another has said: exact copies by hash, near copies by MinHash (rensa).

The first in order is kept. Order is that of the files' names and of the headers in a page, so the outcome does not
depend on workers. The paper says that it removed duplicates across segments, not how.

All that grows with the segments lies on the disk: signatures, the numbers that rows may share, sorted a part at a time, and
what was kept of each group of rows that share one. Memory holds a part, and a byte a segment. Called by the segment stage;
workers make the signatures.
"""

import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humpback_exp.corpus.disk_arrays import append, distribute, read_numbers
from humpback_exp.corpus.fingerprints import DTYPE, PERMUTATIONS, Fingerprint
from humpback_exp.corpus.kept_rows import KeptRows
from humpback_exp.corpus.verdicts import Verdicts
from humpback_exp.reasons import DUPLICATE, NEAR_DUPLICATE

RECALL = 0.999
"""Share of the pairs right at the threshold that the bands find."""
BLOCK = 1 << 11
"""Signatures that are hashed at a time."""
PART = 1 << 16
"""Rows that are sorted at a time."""
Array = NDArray[np.uint64]


def verdicts(rows: Iterable[Fingerprint], count: int, threshold: float, scratch: Path) -> Verdicts:
    """Why each row is dropped, None for one that is kept: it repeats a row that was kept before.

    Args:
        rows: in order.
        count: their number.
        threshold: estimated Jaccard similarity of word 5-grams from which two segments are near duplicates.
        scratch: folder for what does not fit in memory, some 700 bytes a row; removed in the end.
    """
    if not count:
        return Verdicts(0)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        columns = _hash(rows, _bands(threshold), scratch)
        exact = _group(columns[:2], 0, count, scratch)
        _group(columns[2:], exact, count, scratch)
        return _judge(exact, count, threshold, scratch)
    finally:
        shutil.rmtree(scratch)


def _bands(threshold: float) -> list[tuple[int, int]]:
    """Columns of each band: the longest bands that still find nearly all pairs at the threshold, since longer ones find
    fewer in vain."""
    for rows in range(16, 0, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            break
    return [(band * rows, band * rows + rows) for band in range(bands)]


def _hash(rows: Iterable[Fingerprint], bands: list[tuple[int, int]], folder: Path) -> list[Path]:
    """Write the signatures, and a file for each thing that two rows may share: digest, id, and every band.

    Each holds one number a row, in order.
    """
    columns = [folder / f"column-{number:02d}" for number in range(2 + len(bands))]
    source = iter(rows)
    while block := list(islice(source, BLOCK)):
        signed = b"".join(bytes.fromhex(row.signature) for row in block)
        append(folder / "signatures", signed)
        values = np.frombuffer(signed, DTYPE).reshape(-1, PERMUTATIONS)
        digests = np.array([int(row.digest[:16], 16) for row in block], np.uint64)
        # The same address twice: a crawl that came back. Ids must stay unique.
        ids = np.array([int(row.id, 16) for row in block], np.uint64)
        hashed = [digests, ids, *(_band(values[:, start:end]) for start, end in bands)]
        for path, numbers in zip(columns, hashed, strict=True):
            append(path, numbers)
    return columns


def _band(values: NDArray[np.uint32]) -> Array:
    """One number for each row's values in a band."""
    factors = np.array([0x9E3779B97F4A7C15 * (2 * n + 1) % 2**64 for n in range(values.shape[1])], np.uint64)
    mixed = (values.astype(np.uint64) + np.uint64(1)) * factors
    hashed: Array = (mixed ^ (mixed >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
    return hashed


def _group(columns: list[Path], number: int, count: int, folder: Path) -> int:
    """Number the values that several rows share, and write pairs of row and number, parted by rows.

    Args:
        number: of the first such value.

    Returns:
        The number after the last.
    """
    for column in columns:
        for part in distribute(column, count, PART):
            hashed, rows = part[:, 0], part[:, 1]
            order = np.argsort(hashed, kind="stable")
            again = hashed[order][1:] == hashed[order][:-1]
            follows, goes_on = np.r_[False, again], np.r_[again, False]
            shared = follows | goes_on
            groups = number + np.cumsum(shared & ~follows)[shared].astype(np.uint64) - np.uint64(1)
            number += int((shared & ~follows).sum())
            _write_members(rows[order][shared], groups, count, folder)
        column.unlink()
    return number


def _write_members(rows: Array, groups: Array, count: int, folder: Path) -> None:
    order = np.argsort(rows, kind="stable")
    pairs = np.stack([rows[order], groups[order]], axis=1)
    parts = pairs[:, 0] // np.uint64(_part(count))
    for part in np.unique(parts):
        start, end = np.searchsorted(parts, part), np.searchsorted(parts, part, side="right")
        append(folder / f"members-{int(part):04d}", pairs[start:end])


def _part(count: int) -> int:
    """Rows a file of pairs: each may have some two dozen, and of files there must not be too many."""
    return max(PART // 4, -(-count // 1024), 1)


def _judge(exact: int, count: int, threshold: float, folder: Path) -> Verdicts:
    """The verdict on each row, in order.

    Args:
        exact: groups below this number share a digest or an id, the others a band.
    """
    found = Verdicts(count)
    with KeptRows(folder) as kept:
        for path in sorted(folder.glob("members-*")):
            for row, groups in _by_row(read_numbers(path, 2)):
                same, near = [g for g in groups if g < exact], [g for g in groups if g >= exact]
                if kept.has_copy(same):
                    found[row] = DUPLICATE
                elif kept.has_similar(row, near, threshold):
                    found[row] = NEAR_DUPLICATE
                else:
                    kept.add(row, same, near)
    return found


def _by_row(pairs: Array) -> Iterator[tuple[int, list[int]]]:
    """The rows of pairs of row and group, in order, each with its groups."""
    ordered = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    rows, starts = np.unique(ordered[:, 0], return_index=True)
    for row, start, end in zip(rows, starts, [*starts[1:], len(ordered)], strict=True):
        yield int(row), ordered[start:end, 1].tolist()
