"""What is compared of two segments: a hash of their words for exact copies, a MinHash signature (rensa) for near ones.

Called by workers, in chunks; dedup compares.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rensa import RMinHash

from humpback_exp.word_runs import Run, words

DTYPE = "<u4"
"""Of the numbers of a signature."""
SHINGLE = 5
PERMUTATIONS = 112
SEED = 1
"""Of the permutations; fixed, since which pairs are found depends on it."""


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
