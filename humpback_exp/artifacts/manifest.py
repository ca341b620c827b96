"""`manifest.json`: what a finished folder is, and how a damaged or missing one is named."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMANDS = {
    "segments": "python segment.py",
    "models": "python train.py",
    "candidates": "python augment.py",
    "gates": "python gate.py",
    "scored": "python curate.py",
    "rewritten": "python rewrite.py",
    "evals": "python evaluate.py",
}
"""Kind of a folder -> the command that writes it."""


@dataclass(kw_only=True)
class Manifest:
    """What `manifest.json` holds."""

    kind: str
    name: str
    fingerprint: str
    config: dict[str, Any]
    """Identity of the run: flat keys, operational ones left out."""
    inputs: dict[str, dict[str, str]]
    """Config key -> path and fingerprint of what was read."""
    rows: dict[str, int] = field(default_factory=dict)
    """What went in and came out, by name."""
    drops: dict[str, int] = field(default_factory=dict)
    """Reason -> rows."""
    metrics: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    """Relative path -> SHA-256."""
    versions: dict[str, str] = field(default_factory=dict)
    git_commit: str = ""
    wall_seconds: float = 0.0
    finished_at: str = ""


def load(folder: Path) -> Manifest:
    """The manifest of a finished folder.

    Raises:
        ValueError: missing, damaged, or of a folder that is unfinished.
    """
    path = folder / "manifest.json"
    if not path.exists():
        state = "unfinished" if (folder / "config.yaml").exists() else "no such finished folder"
        command = COMMANDS.get(folder.parent.name, "the command that writes it")
        raise ValueError(f"{folder}: {state}; run {command} first")
    try:
        return Manifest(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: damaged ({error}); delete {folder} and run the same command again") from None


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
