"""The finished folders below an output root, what each was made from, and in which settings some of them differ.

Whoever asks "what is there?", "what was this made from?" or "what tells these apart?" asks here:

    catalog = walk(output_root)            every folder: finished, unfinished, damaged
    finished(output_root)                  the finished ones alone
    inputs_of(folder.manifest)             config key, path and fingerprint of everything that was read
    catalog.find(one_input)                the folder that was read, or one made alike
    ancestors(folder.manifest)             every folder it was made from, directly or not
    nearest_ancestors(folder.manifest)     kind -> the nearest of them
    differing([facts(a), facts(b)])        key -> both values, where they differ
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from humpback_exp.artifacts.manifest import KINDS, Manifest, is_begun, is_finished, load

READ_HERE = (".parquet", "history.csv")
"""Ends of the names of files without which a folder is damaged; weights may have been deleted to save space."""


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


def walk(output_root: str | Path, loops: bool = False) -> Catalog:
    """All folders that stages began below an output root. Only manifests are read.

    Args:
        loops: whether to look into the output roots of whole loops below it, too, as a sweep of pipelines leaves them.
    """
    catalog, top = Catalog(), Path(output_root)
    unreadable: dict[Path, str] = {}
    roots = list(_output_roots(top, unreadable)) if loops else [top]
    for kind in KINDS:
        paths = (path for root in roots for path in _begun_folders(root / kind, unreadable))
        for path in sorted(paths, key=lambda path: natural(path.as_posix())):
            _add(catalog, path, path.relative_to(top).as_posix(), kind)
    catalog.damaged |= {path.relative_to(top).as_posix(): why for path, why in unreadable.items()}
    return catalog


def finished(output_root: str | Path) -> list[Folder]:
    """The finished folders below an output root, those of whole loops below it included."""
    return walk(output_root, loops=True).folders


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


def natural(name: str) -> list[tuple[bool, int, str]]:
    """A sort key: numbers by value, and `base` before all it is compared with."""
    head, _, last = name.rpartition("/")
    parts = re.findall(r"\d+|\D+", f"{head}/{'' if last == 'base' else last}")
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _output_roots(top: Path, unreadable: dict[Path, str]) -> Iterator[Path]:
    """The folder, and those below it that may be output roots of loops; why a folder cannot be read goes into `unreadable`."""
    yield top
    try:
        for child in sorted(top.iterdir()) if top.is_dir() else ():
            if child.is_dir() and not child.is_symlink() and not child.name.startswith(".") and child.name not in KINDS:
                yield from _output_roots(child, unreadable)
    except OSError as error:
        unreadable[top] = str(error)


def _begun_folders(folder: Path, unreadable: dict[Path, str]) -> Iterator[Path]:
    """Folders that a stage began; names may hold slashes, so they may lie deeper. `unreadable` as above."""
    try:
        for child in folder.iterdir() if folder.is_dir() else ():
            if is_begun(child):
                yield child
            elif child.is_dir() and not child.is_symlink():
                yield from _begun_folders(child, unreadable)
    except OSError as error:
        unreadable[folder] = str(error)


def _add(catalog: Catalog, path: Path, label: str, kind: str) -> None:
    if not is_finished(path):
        catalog.unfinished.append(label)
        return
    try:
        catalog.folders.append(Folder(path, label, _intact(path, kind)))
    except (ValueError, OSError) as error:
        catalog.damaged[label] = " ".join(str(error).split())[:400]


def _intact(path: Path, kind: str) -> Manifest:
    """The manifest, once it is known to be of this kind and the files that pages are made from to be there."""
    manifest = load(path)
    if manifest.kind != kind:
        raise ValueError(f"{path}/manifest.json: holds {manifest.kind} in a folder of {kind}; move the folder")
    missing = [name for name in manifest.files if name.endswith(READ_HERE) and not (path / name).exists()]
    if missing:
        raise ValueError(f"{path / missing[0]}: missing; delete {path} and run the stage that writes it again")
    return manifest
