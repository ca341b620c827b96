"""Manifests -> which folder was made from which, and by which settings folders of one kind differ."""

from dataclasses import dataclass
from pathlib import Path

from humpback_exp.analysis.format import DASH, setting
from humpback_exp.artifacts.catalog import Catalog, Folder, Input, differing, facts, inputs_of
from humpback_exp.artifacts.manifest import KINDS


@dataclass(frozen=True, slots=True)
class Node:
    """A folder and what it read, folders of ours first."""

    folder: Folder
    sources: list[str]
    """Labels of our folders, names of others; whether a folder was made anew since is said."""


def nodes(catalog: Catalog) -> list[Node]:
    """Folders so ordered that each stands below all it was made from."""
    waiting = sorted(catalog.folders, key=lambda one: (one.manifest.finished_at, KINDS.index(one.kind)))
    needs = {
        one.label: {there.label for source in inputs_of(one.manifest) if (there := catalog.find(source))}
        for one in waiting
    }
    ordered: list[Folder] = []
    placed: set[str] = set()
    while waiting:
        ready = next((one for one in waiting if needs[one.label] <= placed), waiting[0])
        ordered.append(ready)
        placed.add(ready.label)
        waiting.remove(ready)
    return [Node(one, _sources(catalog, one)) for one in ordered]


def _sources(catalog: Catalog, folder: Folder) -> list[str]:
    """Each file or folder once, though a model may be both judged and judge."""
    ours: list[str] = []
    others: list[str] = []
    for source in inputs_of(folder.manifest):
        found, anew = catalog.find(source), " (made anew since)" if catalog.is_made_anew(source) else ""
        name = found.label if found else Path(source.path).name or source.path
        (ours if found else others).append(f"{name}{anew}")
    return list(dict.fromkeys([*ours, *others]))


def outside(catalog: Catalog) -> list[Input]:
    """What was read from elsewhere: pages, seed pairs, base models; each once."""
    read = [
        source for folder in catalog.folders for source in inputs_of(folder.manifest) if catalog.find(source) is None
    ]
    return sorted({(s.path, s.fingerprint): s for s in read}.values(), key=lambda source: (source.key, source.path))


def differences(catalog: Catalog) -> dict[str, dict[str, list[str]]]:
    """Kind -> each setting and input in which its folders differ -> its value in every one of them."""
    found = {kind: differing([facts_below(folder) for folder in catalog.of(kind)]) for kind in KINDS}
    return {
        kind: {key: [DASH if value is None else value for value in values] for key, values in keys.items()}
        for kind, keys in found.items()
        if keys
    }


def facts_below(folder: Folder) -> dict[str, str]:
    """Settings and inputs as a reader knows them; an input below this output root by its label."""
    root = folder.path.as_posix().removesuffix(folder.label)
    return {key: setting(value).removeprefix(root) for key, value in facts(folder.manifest).items()}
