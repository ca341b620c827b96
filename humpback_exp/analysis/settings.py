"""The points of a sweep -> its settings, each with its figures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from humpback_exp.analysis.alike import alike
from humpback_exp.analysis.paper import Published
from humpback_exp.analysis.places import Place
from humpback_exp.analysis.points import Point, Row, grid, shared
from humpback_exp.analysis.studies import Study
from humpback_exp.analysis.text import amount
from humpback_exp.evaluation.intervals import Interval, pooled


@dataclass(frozen=True, slots=True)
class Measure:
    """What is compared: in which unit, and which side is better."""

    key: str
    name: str
    unit: str
    better: int
    form: str
    bounds: tuple[float, float]

    def rows(self, point: Point) -> Mapping[str, Row]:
        return point.wins if self.key == "win_rate" else point.losses

    def mean(self, point: Point) -> float | None:
        """A run's own figure; None where it was not measured."""
        rows = list(self.rows(point).values())
        return sum(v * w for v, w in rows) / sum(w for _, w in rows) if rows else None


WIN = Measure("win_rate", "win rate", "points", 1, ".1f", (0.0, 100.0))
LOSS = Measure("heldout_loss", "held-out loss", "nats a token", -1, ".3f", (0.0, math.inf))
MEASURES = (WIN, LOSS)


@dataclass(eq=False)
class Setting:
    """Runs that differ by their seed alone."""

    place: Place
    points: list[Point]
    unit: str
    """What the place's x counts."""

    @property
    def label(self) -> str:
        series, x = self.place.series, self.place.x
        if x is None:
            return series
        return f"{series} at {amount(x)} {self.unit}" if series else f"{self.unit} {amount(x)}"

    def members(self, measure: Measure) -> list[Mapping[str, Row]]:
        """Rows of each run that has this measurement."""
        return [rows for point in self.points if (rows := measure.rows(point))]

    def means(self, measure: Measure) -> list[float]:
        """The figure of each run that has this measurement."""
        return [mean for point in self.points if (mean := measure.mean(point)) is not None]

    @cached_property
    def figures(self) -> dict[str, Interval]:
        """Measure -> mean over seeds and rows; without those that were not made."""
        return {m.key: pooled(grid(found, self.rows(m)), m.bounds) for m in MEASURES if (found := self.members(m))}

    def rows(self, measure: Measure) -> list[str]:
        """Rows all its runs share.

        Raises:
            ValueError: there are none.
        """
        rows = shared(self.members(measure))
        if not rows:
            names = ", ".join(point.evaluation.label for point in self.points)
            raise ValueError(f"{names}: evaluated on different pairs; evaluate them with the same heldout=")
        return rows


def settings(study: Study, points: Sequence[Point]) -> list[Setting]:
    """Runs grouped by their place and whatever else but the seed tells them apart, one run a seed.

    Series go from the least treated to the most, sizes ascend.
    """
    groups: dict[Place, list[Point]] = {}
    for point in points:
        place = study.place(point)
        if place is not None:
            groups.setdefault(place, []).append(point)
    found = [
        Setting(replace(place, series=", ".join(filter(None, (place.series, differs)))), runs, study.x)
        for place, members in groups.items()
        for differs, runs in alike(members)
    ]
    return sorted(found, key=lambda one: (one.place.order, one.place.series, one.place.x or 0.0))


def number_of(published: Sequence[Published], setting: Setting) -> Published | None:
    """The paper's number for the same setting; none where there were fewer web pairs than its x says."""
    if any(point.short("web") for point in setting.points):
        return None
    place = setting.place
    return next((one for one in published if (one.series, one.x) == (place.series, place.x)), None)
