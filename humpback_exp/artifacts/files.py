"""The files of a finished folder: written whole, and there and intact when they are read."""

import hashlib
import os
import shutil
from pathlib import Path

from humpback_exp.artifacts.manifest import Manifest, load

CHECKPOINTS = "checkpoints"
"""Subfolder of a stage's folder from which an unfinished run goes on. It is removed when the run is finished."""


def require_files(folder: Path, manifest: Manifest) -> None:
    """Raise unless every file the manifest names is still there."""
    missing = [name for name in manifest.files if not (folder / name).exists()]
    if missing:
        raise ValueError(f"{folder / missing[0]}: missing; delete {folder} and run the same command again")


def require_input(path: str, *kinds: str) -> Path:
    """The folder `path` once it is known to be finished, of one of these kinds, and its data files intact."""
    folder = Path(path)
    manifest = load(folder)
    if manifest.kind not in kinds:
        raise ValueError(f"{path}: holds {manifest.kind}, but {' or '.join(kinds)} are needed here")
    for name, digest in manifest.files.items():
        if not name.endswith(".parquet"):
            continue
        if not (folder / name).exists() or sha256(folder / name) != digest:
            raise ValueError(f"{folder / name}: missing or damaged; delete {folder} and run the stage that writes it")
    return folder


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write by atomic rename."""
    scratch = path.with_name(f".{path.name}.tmp")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)


def drop_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a finished stage. `begin` calls this, too, after a kill between the manifest and this call."""
    if (folder / CHECKPOINTS).exists():
        shutil.rmtree(folder / CHECKPOINTS)
