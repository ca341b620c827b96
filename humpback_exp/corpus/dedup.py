"""Which segments say again what another has said: exact copies by hash, near copies by MinHash (datasketch).

The first in order is kept. Order is that of the files' names and of the headers in a page, so the outcome does not
depend on workers. The paper says that it removed duplicates across segments, not how.

A segment inside another one's subtree is no duplicate of it by itself: the paper's unit includes subtrees, and the
part has its own header to answer. Where the whole is little more than its part, they are near duplicates, and the part,
which comes later, falls.
"""

import hashlib
import re
import zlib
from functools import cache

import numpy as np
from datasketch import MinHash, MinHashLSH

from humpback_exp import reasons
from humpback_exp.records import Segment

DTYPE = "<u4"
WORD = re.compile(r"\w+")
SHINGLE = 5
PERMUTATIONS = 128
SEED = 1
"""Of the permutations; fixed, since which pairs are found depends on it."""


def signature(text: str) -> str:
    """The MinHash of a text's word 5-grams, in hex. The costly part of deduplication, so workers do it."""
    words = WORD.findall(text.lower())
    grams = {" ".join(words[at : at + SHINGLE]).encode() for at in range(max(1, len(words) - SHINGLE + 1))}
    minhash = _empty().copy()
    minhash.update_batch(grams)
    return bytes(minhash.hashvalues.astype(DTYPE)).hex()


@cache
def _empty() -> MinHash:
    """Copies of it share its permutations, which take longer to draw than a text takes to hash."""
    return MinHash(num_perm=PERMUTATIONS, seed=SEED, hashfunc=zlib.crc32)


class Deduplicator:
    """Says of each segment, in order, whether it repeats one that was kept before."""

    def __init__(self, threshold: float) -> None:
        """
        Args:
            threshold: estimated Jaccard similarity of word 5-grams from which two segments are near duplicates.
        """
        self.threshold = threshold
        self.texts: set[bytes] = set()
        self.ids: set[str] = set()
        # Weights: a pair missed is lost for good, a pair found in vain is only compared.
        self.index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, weights=(0.2, 0.8))
        self.signatures: dict[str, np.ndarray] = {}

    def reason(self, segment: Segment, signature: str) -> str | None:
        """Why `segment` is dropped; None keeps and remembers it."""
        digest = hashlib.sha256(" ".join(WORD.findall(segment.text.lower())).encode()).digest()[:16]
        # The same address twice: a crawl that came back. Ids must stay unique.
        if digest in self.texts or segment.id in self.ids:
            return reasons.DUPLICATE
        minhash = _empty().copy()
        values = minhash.hashvalues = np.frombuffer(bytes.fromhex(signature), dtype=DTYPE)
        if any(self._alike(values, self.signatures[key]) for key in self.index.query(minhash)):
            return reasons.NEAR_DUPLICATE
        self.texts.add(digest)
        self.ids.add(segment.id)
        self.index.insert(segment.id, minhash)
        self.signatures[segment.id] = values
        return None

    def _alike(self, one: np.ndarray, other: np.ndarray) -> bool:
        return float(np.mean(one == other)) >= self.threshold
