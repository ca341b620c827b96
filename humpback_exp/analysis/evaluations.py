"""Evaluated models: what each was made from, and what was measured on every held-out pair.

The evaluations of a sweep are those whose `tracking.group` bears its name. That key says how a run is tracked, not what it
is, so it stands in the frozen `config.yaml` and not in the manifest. An evaluation without a group belongs to its model's.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from humpback_exp import reasons
from humpback_exp.analysis.folders import group_of, read_history, try_read
from humpback_exp.analysis.measures import MEASURES, Measure, Row, losses, question_losses, verdicts
from humpback_exp.artifacts.catalog import Catalog, Folder


@dataclass(eq=False)
class Evaluation:
    """One evaluated model."""

    catalog: Catalog = field(repr=False)
    folder: Folder
    model: Folder | None
    """None for a model that was not trained here."""
    scored: Folder | None
    """The scored or rewritten folder its web pairs were selected from."""
    rounds: int
    """Rounds of self-curation behind it: 0 for M0."""
    opponent: "Evaluation | None" = field(repr=False)
    """The reference its answers were judged against; None where that does not lie below this output_root."""

    def setting(self, key: str) -> Any:
        """A key of the model's config, or None."""
        return None if self.model is None else self.model.manifest.config.get(key)

    @property
    def seed(self) -> int:
        made = self.folder if self.model is None else self.model
        return int(made.manifest.config.get("seed") or 0)

    @property
    def examples(self) -> int:
        """That its model was trained on."""
        return 0 if self.model is None else self.model.rows("examples")

    def short(self, source: str) -> bool:
        """Whether there were fewer pairs of `source` than asked for; those too long for the context were there."""
        asked = self.setting({"seed": "data.seed_size", "web": "data.size"}[source])
        if self.model is None or asked is None:
            return False
        return self.model.rows(source) + self.model.manifest.drops.get(reasons.TOO_LONG, 0) < int(asked)

    @cached_property
    def steps(self) -> int | None:
        """Optimiser steps of its model, None where no history tells."""
        if self.model is None or "history.csv" not in self.model.manifest.files:
            return None
        history = try_read(self.catalog, self.model, lambda model: read_history(model.path))
        return int(history[-1]["step"]) if history else None

    @cached_property
    def rows(self) -> dict[str, dict[str, Row]]:
        """Key of a measure -> held-out pair -> value and weight; a pair beyond the model's context has no loss."""
        found = defaultdict[str, dict[str, Row]](dict)
        for reader in (losses, question_losses, verdicts):
            found |= try_read(self.catalog, self.folder, reader) or {}
        return found

    def mean(self, measure: Measure) -> float | None:
        """Over held-out pairs; None where it was not measured."""
        rows = self.rows[measure.key].values()
        return sum(value * weight for value, weight in rows) / sum(weight for _, weight in rows) if rows else None


def measures(found: Iterable[Evaluation]) -> list[Measure]:
    """What was measured of any of them: all on `heldout`, then all on each further set."""
    keys = dict.fromkeys(key for one in found for key, rows in one.rows.items() if rows)
    sets = dict.fromkeys(["", *(key.partition("/")[2] for key in keys)])
    return [measure.on(held) for held in sets for measure in MEASURES if measure.on(held).key in keys]


def evaluations(catalog: Catalog, folders: Iterable[Folder] | None = None) -> list[Evaluation]:
    """The given evaluations, else all there are, in the catalog's order, each with what it came from."""
    return [_evaluation(catalog, folder) for folder in (catalog.of("evals") if folders is None else folders)]


def _evaluation(catalog: Catalog, folder: Folder) -> Evaluation:
    model = _source(catalog, folder, "model_path", "models")
    scored = _source(catalog, model, "data.scored", "scored", "rewritten")
    reference = _source(catalog, folder, "reference", "evals")
    opponent = None if reference is None else _evaluation(catalog, reference)
    return Evaluation(catalog, folder, model, scored, _rounds(catalog, model), opponent)


def _source(catalog: Catalog, folder: Folder | None, key: str, *kinds: str) -> Folder | None:
    """The folder of one of these kinds that was read as `key`."""
    read_as = None if folder is None else folder.input(key)
    found = None if read_as is None else catalog.find(read_as)
    return found if found is not None and found.kind in kinds else None


def _rounds(catalog: Catalog, model: Folder | None) -> int:
    scored = _source(catalog, model, "data.scored", "scored", "rewritten")
    return 0 if scored is None else 1 + _rounds(catalog, _source(catalog, scored, "model_path", "models"))


def by_group(found: Iterable[Evaluation]) -> dict[str, list[Evaluation]]:
    """Group -> its evaluations; the same settings measured twice count once."""
    groups: dict[str, dict[str, Evaluation]] = {}
    for one in found:
        group = group_of(one.folder.path) or (group_of(one.model.path) if one.model else None)
        if group is not None:
            groups.setdefault(group, {}).setdefault(one.folder.fingerprint, one)
    return {group: list(members.values()) for group, members in groups.items()}
