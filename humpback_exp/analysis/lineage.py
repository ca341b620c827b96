"""Manifests -> which folder was made from which, and by which settings folders of one kind differ."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from humpback_exp.analysis.collect import KINDS, Inventory, Run

COLUMNS = 10
"""Differing settings shown for a kind; more do not fit a page."""


@dataclass(slots=True)
class Source:
    """One input of a run."""

    key: str
    path: str
    fingerprint: str
    place: int | None = None
    """Row of the run it is, when that lies below this output_root."""
    stale: bool = False
    """Whether the folder at this path has been made anew since."""

    @property
    def short(self) -> str:
        return Path(self.path).name or self.path


@dataclass(slots=True)
class Node:
    """A run and what it read."""

    run: Run
    sources: list[Source] = field(default_factory=list)
    """Folders of ours first."""


@dataclass(slots=True)
class Settings:
    """How the runs of one kind differ."""

    kind: str
    keys: list[str]
    more: int
    """Differing keys that are not shown."""
    rows: list[tuple[str, list[str]]]
    common: list[tuple[str, str]]


def nodes(inventory: Inventory) -> list[Node]:
    """Runs so ordered that each stands below all it was made from."""
    waiting = sorted(inventory.runs, key=lambda run: (run.manifest.finished_at, KINDS.index(run.kind)))
    there = {run.manifest.fingerprint for run in waiting}
    needs = {run.label: there & {value["fingerprint"] for value in run.manifest.inputs.values()} for run in waiting}
    ordered: list[Run] = []
    placed: set[str] = set()
    while waiting:
        ready = [run for run in waiting if needs[run.label] <= placed] or waiting
        ordered.append(ready[0])
        placed.add(ready[0].manifest.fingerprint)
        waiting.remove(ready[0])
    places = {run.manifest.fingerprint: place for place, run in enumerate(ordered)}
    paths = {run.folder.resolve(): run for run in ordered}
    read = ([_source(key, value, places, paths) for key, value in run.manifest.inputs.items()] for run in ordered)
    return [Node(run, _ours_first(sources)) for run, sources in zip(ordered, read, strict=True)]


def _ours_first(sources: list[Source]) -> list[Source]:
    """Each file or folder once, though a model may be both judged and judge."""
    once = {(source.path, source.fingerprint): source for source in reversed(sources)}
    return sorted(reversed(once.values()), key=lambda source: source.place is None)


def _source(key: str, value: dict[str, str], places: dict[str, int], paths: dict[Path, Run]) -> Source:
    mark, path = value["fingerprint"], value["path"]
    there = paths.get(Path(path).resolve())
    stale = there is not None and there.manifest.fingerprint != mark
    return Source(key, path, mark, places.get(mark), stale)


def outside(ordered: list[Node]) -> list[Source]:
    """What was read from elsewhere: pages, seed pairs, base models; each once."""
    found = {(s.path, s.fingerprint): s for node in ordered for s in node.sources if s.place is None}
    return sorted(found.values(), key=lambda source: (source.key, source.path))


def settings(inventory: Inventory) -> list[Settings]:
    """Per kind, the settings and inputs in which its runs differ, and the ones they share."""
    return [_settings(kind, inventory.of(kind)) for kind in KINDS if inventory.of(kind)]


def _settings(kind: str, runs: list[Run]) -> Settings:
    facts = [_facts(run) for run in runs]
    keys = sorted({key for fact in facts for key in fact})
    differing = [key for key in keys if len({fact.get(key, "") for fact in facts}) > 1]
    common = [(key, facts[0][key]) for key in keys if key not in differing]
    shown = differing[:COLUMNS]
    rows = [(run.name, [fact.get(key, "") for key in shown]) for run, fact in zip(runs, facts, strict=True)]
    return Settings(kind, shown, len(differing) - len(shown), rows, common)


def _facts(run: Run) -> dict[str, str]:
    config = {key: value if isinstance(value, str) else json.dumps(value) for key, value in run.manifest.config.items()}
    root = run.folder.as_posix().removesuffix(run.label)
    return config | {key: value["path"].removeprefix(root) for key, value in run.manifest.inputs.items()}
