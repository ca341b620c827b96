"""From data to places on an axis, and the round numbers along it."""

import math
from dataclasses import dataclass

from humpback_exp.analysis.text import number

Tick = tuple[float, str]
"""Place in the panel, and label."""


@dataclass(slots=True)
class Scale:
    """From data to the panel."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = (self.high - self.low) or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 1)

    def ticks(self, about: int, signs: bool = False) -> list[Tick]:
        """Round numbers inside the scale."""
        step = _round_step((self.high - self.low) / about)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        form = f"{'+' if signs else ''},.{digits}f"
        return [(self(i * step), number(i * step, form)) for i in range(first, last + 1)]


def _round_step(rough: float) -> float:
    """The next of 1, 2, 5, 10 ... above."""
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next((factor * power for factor in (1, 2, 5) if factor * power >= rough), 10 * power)
