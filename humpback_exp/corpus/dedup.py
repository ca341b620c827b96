"""Which segments say again what another has said: exact copies by hash, near copies by MinHash (rensa).

The first in order is kept. Order is that of the files' names and of the headers in a page, so the outcome does not
depend on workers. The paper says that it removed duplicates across segments, not how.

Signatures lie in a file, and candidates are found by sorting, a band of the signatures at a time: what is held in memory
is a few dozen bytes a segment. Called by the segment stage; workers make the signatures.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from humpback_exp.corpus.verdicts import Verdicts
from humpback_exp.reasons import DUPLICATE, NEAR_DUPLICATE
from humpback_exp.word_runs import Run, words

DTYPE = "<u4"
SHINGLE = 5
PERMUTATIONS = 112
SEED = 1
"""Of the permutations; fixed, since which pairs are found depends on it."""
RECALL = 0.999
"""Share of the pairs right at the threshold that the bands find."""
BLOCK = 1 << 14
Array = NDArray[np.uint64]


@dataclass(slots=True, kw_only=True)
class Fingerprint:
    """What is compared of a segment."""

    id: str
    digest: str
    signature: str


def digest(text: str) -> str:
    """Equal for texts that differ in case, space and marks alone."""
    return hashlib.sha256(" ".join(_words(text)).encode()).hexdigest()[:32]


def signature(text: str) -> str:
    """The MinHash of a text's word 5-grams, in hex. The costly part of deduplication, so workers do it."""
    found = _words(text)
    minhash = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    shingles = zip(*(found[at:] for at in range(SHINGLE)), strict=False)
    minhash.update(list(map(" ".join, shingles)) or [" ".join(found)])
    return np.array(minhash.digest(), dtype=DTYPE).tobytes().hex()


@lru_cache(maxsize=1)
def _words(text: str) -> Run:
    """Kept for the next call, since a segment's digest and signature are asked for one after the other."""
    return words(text)


def verdicts(rows: Iterable[Fingerprint], count: int, threshold: float, scratch: Path) -> Verdicts:
    """Why each row is dropped, None for one that is kept: it repeats a row that was kept before.

    Args:
        rows: in order.
        count: their number.
        threshold: estimated Jaccard similarity of word 5-grams from which two segments are near duplicates.
        scratch: file to hold the signatures meanwhile; removed in the end.
    """
    try:
        with scratch.open("w+b") as file:
            return _search(rows, count, threshold, file)
    finally:
        scratch.unlink(missing_ok=True)


def _search(rows: Iterable[Fingerprint], count: int, threshold: float, file: BinaryIO) -> Verdicts:
    digests, ids = np.empty(count, "<u8"), np.empty(count, "<u8")
    for at, row in enumerate(rows):
        file.write(bytes.fromhex(row.signature))
        digests[at] = int(row.digest[:16], 16)
        ids[at] = int(row.id, 16)
    file.flush()
    exact = _shared([digests, ids])
    near = _shared(_band(file, count, start, end) for start, end in _bands(threshold))
    found = Verdicts(count)
    copies: set[int] = set()
    alike: dict[int, list[int]] = {}
    for at in sorted({*exact, *near}):
        own = _signature(file, at)
        candidates = {kept for group in near.get(at, ()) for kept in alike.get(group, ())}
        # The same address twice: a crawl that came back. Ids must stay unique.
        if any(group in copies for group in exact.get(at, ())):
            found[at] = DUPLICATE
        elif any(np.mean(own == _signature(file, kept)) >= threshold for kept in candidates):
            found[at] = NEAR_DUPLICATE
        else:
            copies.update(exact.get(at, ()))
            for group in near.get(at, ()):
                alike.setdefault(group, []).append(at)
    return found


def _signature(file: BinaryIO, at: int) -> NDArray[np.uint32]:
    size = PERMUTATIONS * np.dtype(DTYPE).itemsize
    return np.frombuffer(os.pread(file.fileno(), size, at * size), DTYPE)


def _bands(threshold: float) -> list[tuple[int, int]]:
    """Columns of each band: the longest bands that still find nearly all pairs at the threshold, since longer ones find
    fewer in vain."""
    for rows in range(16, 0, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= RECALL:
            break
    return [(band * rows, band * rows + rows) for band in range(bands)]


def _band(file: BinaryIO, count: int, start: int, end: int) -> Array:
    """One number for each row's values in a band."""
    factors = np.array([0x9E3779B97F4A7C15 * (2 * n + 1) % 2**64 for n in range(end - start)], np.uint64)
    hashed = np.empty(count, np.uint64)
    file.seek(0)
    for at in range(0, count, BLOCK):
        part = np.frombuffer(file.read(BLOCK * PERMUTATIONS * 4), DTYPE).reshape(-1, PERMUTATIONS)[:, start:end]
        mixed = (part.astype(np.uint64) + np.uint64(1)) * factors
        hashed[at : at + BLOCK] = (mixed ^ (mixed >> np.uint64(29))).sum(axis=1, dtype=np.uint64)
    return hashed


def _shared(columns: Iterable[Array]) -> dict[int, list[int]]:
    """Rows that share a value of a column with others -> numbers of the values they share."""
    groups: dict[int, list[int]] = {}
    number = 0
    for column in columns:
        for rows in _groups(column):
            for row in rows:
                groups.setdefault(row, []).append(number)
            number += 1
    return groups


def _groups(column: Array) -> Iterator[list[int]]:
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    ends = np.r_[starts[1:], len(ordered)]
    for start, end in zip(starts[ends - starts > 1], ends[ends - starts > 1], strict=True):
        yield order[start:end].tolist()
