"""What becomes of every row that passed the filters, a byte each: kept, or the reason why it is not. Called by the stage."""

from collections import Counter
from collections.abc import Iterator

from humpback_exp import reasons

NAMES = (
    None,
    reasons.DUPLICATE,
    reasons.NEAR_DUPLICATE,
    reasons.OVERLAPS,
    reasons.LOW_QUALITY,
    reasons.OVER_CAP,
    reasons.NOT_DRAWN,
)


class Verdicts:
    """Reasons by the number of the row; None for one that is kept."""

    def __init__(self, count: int) -> None:
        self.codes = bytearray(count)

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str | None]:
        return (NAMES[code] for code in self.codes)

    def __getitem__(self, row: int) -> str | None:
        return NAMES[self.codes[row]]

    def __setitem__(self, row: int, reason: str) -> None:
        self.codes[row] = NAMES.index(reason)

    def drops(self) -> Counter[str]:
        """How many rows each reason drops."""
        found = Counter({name: self.codes.count(code) for code, name in enumerate(NAMES) if name})
        return +found
