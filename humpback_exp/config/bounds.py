"""What values a field may have: declared with the field, checked when the config is made, said in one line."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from omegaconf import MISSING


@dataclass(frozen=True, slots=True)
class Bound:
    """What the value of a field must hold to, and how that is said."""

    holds: Callable[[Any], bool]
    text: str


POSITIVE = Bound(lambda value: value > 0, "must be positive")
NOT_NEGATIVE = Bound(lambda value: value >= 0, "must be 0 or more")
SHARE = Bound(lambda value: 0 < value <= 1, "must lie in (0, 1]")
PROBABILITY = Bound(lambda value: 0 <= value <= 1, "must lie in [0, 1]")
BELOW_ONE = Bound(lambda value: 0 <= value < 1, "must lie in [0, 1)")


def choice(*allowed: str) -> Bound:
    return Bound(lambda value: value in allowed, f"must be one of {', '.join(allowed)}")


def bounded(default: Any, bound: Bound) -> Any:
    """A field whose value `check_bounds` checks."""
    return field(default=default, metadata={"bound": bound})


def check_bounds(config: Any, prefix: str = "") -> None:
    """Raise the ValueError of the first field, of those declared with a bound, whose value is out of it.

    Args:
        prefix: what stands before the field's name in its key, as `optim.`.
    """
    for f in fields(config):
        value, bound = getattr(config, f.name), f.metadata.get("bound")
        optional = type(None) in get_args(f.type)
        if bound is None or value == MISSING or (optional and value is None):
            continue
        finite = not isinstance(value, float) or math.isfinite(value)
        require(finite, prefix + f.name, value, "must be a finite number")
        require(bound.holds(value), prefix + f.name, value, bound.text + (" or null" if optional else ""))


def require(holds: bool, key: str, value: Any, bound: str) -> None:
    """Raise the ValueError a user sees when `holds` is false: key, value, bound and remedy in one line."""
    if not holds:
        raise ValueError(f"{key}={value}: {bound}")


def one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    require(value in allowed, key, value, f"must be one of {', '.join(allowed)}")
