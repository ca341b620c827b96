"""What lies at a path, as a hash: a finished folder's own fingerprint, raw files by their whole content, a Hub id by its name."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from humpback_exp.artifacts.content import LARGE, sha256_of
from humpback_exp.artifacts.files import sha256
from humpback_exp.artifacts.manifest import is_begun, is_finished, load

END = 1 << 20
"""Bytes at either end of a large file by which earlier versions knew it."""


def fingerprint(path: str, files_digests: Callable[[Sequence[Path]], list[str]] = sha256_of) -> str:
    """What lies at `path`: a finished folder's own fingerprint, raw files by content, a Hub id by its name.

    Args:
        files_digests: what identifies each of several raw files.

    Raises:
        ValueError: the folder is unfinished.
    """
    folder = Path(path)
    if is_finished(folder):
        return load(folder).fingerprint
    if is_begun(folder):
        raise ValueError(f"{path}: unfinished; run the command that writes it again, it goes on where it stopped")
    if folder.is_file():
        return files_digests([folder])[0]
    if folder.is_dir():
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        names = [p.relative_to(folder).as_posix() for p in files]
        return digest(list(zip(names, files_digests(files), strict=True)))
    return digest(path)


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def is_still(path: str, mark: str) -> bool:
    """Whether `mark` is the fingerprint of what lies at `path`, by today's rule or by that of earlier versions."""
    return mark in (fingerprint(path), fingerprint(path, by_their_ends))


def by_their_ends(paths: Sequence[Path]) -> list[str]:
    """What identified raw files in earlier versions: of large ones size, first and last MiB, of others the whole content."""
    return [_of_ends(path) if path.stat().st_size > LARGE else sha256(path) for path in paths]


def _of_ends(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(END)
        file.seek(-END, os.SEEK_END)
        return hashlib.sha256(head + file.read() + str(path.stat().st_size).encode()).hexdigest()
