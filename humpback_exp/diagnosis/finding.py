"""One line of the doctor's table."""

from dataclasses import dataclass

FINE, DOUBTFUL, BROKEN = "fine", "doubtful", "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, whether it will do, and what to do where it will not."""

    check: str
    found: str
    state: str = FINE
    remedy: str = ""


def finding(check: str, found: str, holds: bool, remedy: str, otherwise: str = BROKEN) -> Finding:
    """Fine where it `holds`; else `otherwise`, with the remedy."""
    return Finding(check, found) if holds else Finding(check, found, otherwise, remedy)
