"""Evaluated models -> the settings they were made with: models that differ by their seed alone are one setting."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from humpback_exp.analysis.ablation import Ablation
from humpback_exp.analysis.evaluations import Evaluation, measures
from humpback_exp.analysis.format import amount
from humpback_exp.analysis.measures import PREFERENCE, Measure, Row
from humpback_exp.analysis.placement import Place
from humpback_exp.analysis.recipes import made_by, shown
from humpback_exp.artifacts.catalog import differing
from humpback_exp.evaluation.intervals import Grid, Interval, pooled


@dataclass(eq=False)
class Setting:
    """Runs that differ by their seed alone."""

    place: Place
    runs: list[Evaluation]
    unit: str = ""
    """What the place's x counts."""

    @property
    def label(self) -> str:
        series, x = self.place.series, self.place.x
        if x is None:
            return series
        return f"{series} at {amount(x)} {self.unit}" if series else f"{self.unit} {amount(x)}"

    def measured(self, measure: Measure) -> list[Mapping[str, Row]]:
        """Rows of each run that has this measurement."""
        return [run.rows[measure.key] for run in self.runs if run.rows[measure.key]]

    def means(self, measure: Measure) -> list[float]:
        """The figure of each run that has this measurement."""
        return [mean for run in self.runs if (mean := run.mean(measure)) is not None]

    @cached_property
    def figures(self) -> dict[str, Interval]:
        """Measure -> mean over seeds and rows; without those that were not made.

        Raises:
            ValueError: its runs share no row.
        """
        found = {measure: self.measured(measure) for measure in (*measures(self.runs), PREFERENCE)}
        return {one.key: pooled(grid(rows, self._shared(rows)), one.bounds) for one, rows in found.items() if rows}

    def _shared(self, members: list[Mapping[str, Row]]) -> list[str]:
        rows = shared(members)
        if not rows:
            names = ", ".join(run.folder.label for run in self.runs)
            raise ValueError(f"{names}: evaluated on different pairs; evaluate them with the same heldout=")
        return rows


def measured(found: Iterable[Setting]) -> list[Measure]:
    """What was measured of any of the settings."""
    return measures(run for setting in found for run in setting.runs)


def shared(members: Sequence[Mapping[str, Row]]) -> list[str]:
    """Rows that every run has, in the first one's order."""
    return [row for row in members[0] if all(row in member for member in members)] if members else []


def grid(members: Sequence[Mapping[str, Row]], rows: Sequence[str]) -> Grid:
    """Runs x the given rows, all of which every run has; weights are the runs' mean."""
    cells = np.array([[member[row] for row in rows] for member in members], dtype=float)
    return Grid(cells[:, :, 0], cells[:, :, 1].mean(axis=0))


def settings(ablation: Ablation, found: Sequence[Evaluation]) -> list[Setting]:
    """Runs grouped by their place and whatever else but the seed tells them apart, one run a seed.

    Series go from the least treated to the most, sizes ascend.
    """
    groups: dict[Place, list[Evaluation]] = {}
    for run in found:
        place = ablation.place(run)
        if place is not None:
            groups.setdefault(place, []).append(run)
    told = [
        Setting(replace(place, series=", ".join(filter(None, (place.series, differs)))), runs, ablation.x)
        for place, members in groups.items()
        for differs, runs in _but_the_seed(members)
    ]
    return sorted(told, key=lambda one: (one.place.order, one.place.series, one.place.x or 0.0))


def _but_the_seed(runs: Sequence[Evaluation]) -> list[tuple[str, list[Evaluation]]]:
    """Runs grouped by all that made them but the seed, each group with what sets it apart, "" where there is one.

    A group holds one run a seed, by seed: sizes beyond what there is select the same pairs, and count once.
    """
    groups: dict[tuple[tuple[str, str], ...], dict[int, Evaluation]] = {}
    for run in runs:
        groups.setdefault(tuple(sorted(made_by(run).items())), {}).setdefault(run.seed, run)
    keys = differing([dict(facts) for facts in groups])
    return [
        (", ".join(shown(next(iter(members.values())), key) for key in keys), [members[s] for s in sorted(members)])
        for members in groups.values()
    ]


def opposed(ours: Setting, theirs: Setting) -> bool:
    """Whether the answers of ours were judged against those of theirs."""
    references = {run.folder.fingerprint for run in theirs.runs}
    return all(run.opponent is not None and run.opponent.folder.fingerprint in references for run in ours.runs)
