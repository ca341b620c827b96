"""What an ablation is: how its runs are laid out in a figure, and which two settings its question is about."""

from collections.abc import Callable
from dataclasses import dataclass

from humpback_exp.analysis.evaluations import Evaluation
from humpback_exp.analysis.placement import Place
from humpback_exp.artifacts.walk import natural


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """Which runs it compares, over what, and by which two settings.

    Its contrast is fixed before any run, so its test needs no correction for the many that could have been made. Where an
    end of it is missing, `plan_of_ablation` makes another and calls it exploratory.
    """

    name: str
    title: str
    place: Callable[[Evaluation], Place | None]
    """None leaves a run out."""
    keys: tuple[str, ...]
    """Settings that may differ between its runs; others are told to the reader."""
    claim: str = ""
    """What the paper finds."""
    x: str = ""
    ends: tuple[str, str] | None = None
    """Series its contrast goes from and to, at the largest x of both. None in sweeps of the user's own and with `baseline`."""
    along: bool = False
    """Whether the contrast goes from the smallest to the largest x within the last of `ends` instead."""
    each_largest: bool = False
    """Whether each end is taken at its own largest x: where one is the other and more."""
    by_round: bool = False
    """Whether each series is compared with the one before instead, and the last with the first."""
    numbers: str = ""
    """Ablation of `paper.csv` with the paper's points, when not its own."""
    baseline: float | str | None = None
    """The x or the series all others are compared with, with Bonferroni's correction; for sweeps without a direction."""
    also: str = ""
    """Another group, from which it takes the runs of the series its contrast is about."""


def by_folder(group: str) -> Ablation:
    """A sweep of the user's own: one setting a name, less its seed."""

    def place(run: Evaluation) -> Place:
        parts = [part for part in run.folder.name.split("-") if part != f"s{run.seed}"]
        return Place("-".join(parts), (tuple(natural("-".join(parts))),))

    return Ablation(name=group, title=group, place=place, keys=())
