"""What lies at a path, as a hash: a finished folder's own fingerprint, raw files by content, a Hub id by its name."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from humpback_exp.artifacts.manifest import is_begun, is_finished, load, sha256

WHOLE_FILE = 1 << 24
"""Files of raw inputs up to this size are hashed whole; of larger ones, size, first and last MiB."""


def fingerprint(path: str) -> str:
    """What lies at `path`: a finished folder's own fingerprint, raw files by content, a Hub id by its name.

    Raises:
        ValueError: the folder is unfinished.
    """
    folder = Path(path)
    if is_finished(folder):
        return load(folder).fingerprint
    if is_begun(folder):
        raise ValueError(f"{path}: unfinished; run the command that writes it again, it goes on where it stopped")
    if folder.is_file():
        return raw_digest(folder)
    if folder.is_dir():
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        return digest([(p.relative_to(folder).as_posix(), raw_digest(p)) for p in files])
    return digest(path)


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def raw_digest(path: Path) -> str:
    size = path.stat().st_size
    if size <= WHOLE_FILE:
        return sha256(path)
    with path.open("rb") as file:
        head = file.read(1 << 20)
        file.seek(-(1 << 20), os.SEEK_END)
        return hashlib.sha256(head + file.read() + str(size).encode()).hexdigest()
