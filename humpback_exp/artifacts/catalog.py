"""Finished folders: what each was made from, and in which settings some of them differ. `walk` finds them on the disk.

inputs_of(folder.manifest)             config key, path and fingerprint of everything that was read
catalog.find(one_input)                the folder that was read, or one made alike
ancestors(folder.manifest)             every folder it was made from, directly or not
nearest_ancestors(folder.manifest)     kind -> the nearest of them
differing([facts(a), facts(b)])        key -> both values, where they differ
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from humpback_exp.artifacts.manifest import Manifest, is_finished, load


@dataclass(frozen=True, slots=True)
class Input:
    """Something that a folder was made from."""

    key: str
    """Config key it was given by."""
    path: str
    """Of a folder of ours, of raw files, or a Hub id."""
    fingerprint: str
    """What lay there when it was read."""


@dataclass(frozen=True, slots=True, eq=False)
class Folder:
    """A finished folder."""

    path: Path
    label: str
    """`kind/name`, as below output_root; in a loop of its own below that, the loop's folder before it."""
    manifest: Manifest

    @property
    def kind(self) -> str:
        return self.manifest.kind

    @property
    def name(self) -> str:
        return self.label.partition(f"{self.kind}/")[2]

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    def input(self, key: str) -> Input | None:
        return next((one for one in inputs_of(self.manifest) if one.key == key), None)

    def path_of(self, key: str) -> str | None:
        """Where what was read as `key` lay."""
        return self.manifest.inputs.get(key, {}).get("path")

    def fingerprint_of(self, key: str) -> str | None:
        """Of what was read as `key`."""
        return self.manifest.inputs.get(key, {}).get("fingerprint")

    def rows(self, key: str) -> int:
        return self.manifest.rows.get(key, 0)

    def metric(self, key: str) -> float | None:
        """A figure of the manifest; None where it is missing, null or not a number."""
        value = self.manifest.metrics.get(key)
        return float(value) if isinstance(value, int | float) and value == value else None


@dataclass
class Catalog:
    """Everything below one output root."""

    folders: list[Folder] = field(default_factory=list)
    """In the order of the loop and of their names."""
    unfinished: list[str] = field(default_factory=list)
    """Labels."""
    damaged: dict[str, str] = field(default_factory=dict)
    """Label -> the error, in one line."""

    def of(self, kind: str) -> list[Folder]:
        return [folder for folder in self.folders if folder.kind == kind]

    def find(self, source: Input) -> Folder | None:
        """The folder that was read: the one at its path while that is the same still, else one made alike."""
        there = self._by_path.get(Path(source.path).resolve())
        if there is not None and there.fingerprint == source.fingerprint:
            return there
        return self._by_fingerprint.get(source.fingerprint)

    def is_made_anew(self, source: Input) -> bool:
        """Whether another folder lies now where this one was read."""
        there = self._by_path.get(Path(source.path).resolve())
        return there is not None and there.fingerprint != source.fingerprint

    @cached_property
    def _by_path(self) -> dict[Path, Folder]:
        return {folder.path.resolve(): folder for folder in self.folders}

    @cached_property
    def _by_fingerprint(self) -> dict[str, Folder]:
        return {folder.fingerprint: folder for folder in self.folders}


def inputs_of(manifest: Manifest) -> list[Input]:
    """Everything a folder was made from, in the order of its config."""
    return [Input(key, one["path"], one["fingerprint"]) for key, one in manifest.inputs.items()]


def at(path: str | Path) -> Folder | None:
    """The finished folder at a path, whoever read it; None for raw files, a Hub id and what is unfinished."""
    folder = Path(path)
    return Folder(folder, "/".join(folder.parts[-2:]), load(folder)) if is_finished(folder) else None


def still_there(source: Input) -> Folder | None:
    """The folder that was read, where it lies at its path and has not been made anew since."""
    there = at(source.path)
    return there if there is not None and there.fingerprint == source.fingerprint else None


def ancestors(manifest: Manifest, find: Callable[[Input], Folder | None] = still_there) -> list[Folder]:
    """Every folder this one was made from, directly or not, each once, the nearest first.

    Args:
        find: input -> the folder that was read; `Catalog.find` to stay below one output root.
    """
    found: dict[Path, Folder] = {}
    waiting = [manifest]
    for one in waiting:
        there = [folder for source in inputs_of(one) if (folder := find(source)) is not None]
        waiting += [folder.manifest for folder in there if folder.path not in found]
        found |= {folder.path: folder for folder in there if folder.path not in found}
    return list(found.values())


def nearest_ancestors(manifest: Manifest) -> dict[str, Folder]:
    """Kind -> the nearest folder of that kind this one was made from."""
    found: dict[str, Folder] = {}
    for folder in ancestors(manifest):
        found.setdefault(folder.kind, folder)
    return found


def facts(manifest: Manifest) -> dict[str, Any]:
    """All that makes a folder what it is: its settings, and path and fingerprint of what it read, by config key."""
    sources = {one.key: f"{one.path} ({one.fingerprint[:8]})" for one in inputs_of(manifest)}
    return manifest.config | sources


def differing(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Key -> its value in each of the settings, for the keys in which they differ, sorted; None where one lacks the key."""
    found = {key: [one.get(key) for one in settings] for key in sorted({key for one in settings for key in one})}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}
