"""The disk below an output root -> its catalog: every folder that a stage began, finished, unfinished or damaged."""

import re
from collections.abc import Iterator
from pathlib import Path

from humpback_exp.artifacts.catalog import Catalog, Folder
from humpback_exp.artifacts.manifest import KINDS, Manifest, is_begun, is_finished, load

READ_HERE = (".parquet", "history.csv")
"""Ends of the names of files without which a folder is damaged; weights may have been deleted to save space."""


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
