"""What lies at a path, as a hash: a finished folder's own fingerprint, raw files by their whole content, a Hub id by its name."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from humpback_exp.artifacts.addresses import is_remote, states_below
from humpback_exp.artifacts.content import LARGE, sha256_of
from humpback_exp.artifacts.files import sha256
from humpback_exp.artifacts.manifest import is_begun, is_finished, load

MUCH = 64 << 30
"""Bytes from which raw files are not read to be known (ours): a minute or so; that of a corpus comes with its segments."""
BATCH = 10_000
"""Files that are digested at a time."""
END = 1 << 20
"""Bytes at either end of a large file by which earlier versions knew it."""


def fingerprint(path: str, files_digests: Callable[[Sequence[Path]], list[str]] | None = None) -> str:
    """What lies at `path`: a finished folder's own fingerprint, raw files by content, a Hub id by its name.

    Where reading all would take long, at an address and beyond `MUCH`, files are known by what is said of them instead.

    Args:
        files_digests: what identifies each of several raw files.

    Raises:
        ValueError: the folder is unfinished.
    """
    if is_remote(path):
        return digest(states_below(path))
    folder = Path(path)
    if is_finished(folder):
        return load(folder).fingerprint
    if is_begun(folder):
        raise ValueError(f"{path}: unfinished; run the command that writes it again, it goes on where it stopped")
    if folder.is_file():
        return (files_digests or _digests_for([folder]))([folder])[0]
    if folder.is_dir():
        return _of_folder(folder, files_digests or _digests_for(_files_below(folder)))
    return digest(path)


def _of_folder(folder: Path, files_digests: Callable[[Sequence[Path]], list[str]]) -> str:
    """`digest` of the names and digests of all files, of which a batch is held at a time."""
    hashed, files, before = hashlib.sha256(b"["), _files_below(folder), ""
    while batch := list(islice(files, BATCH)):
        for path, mark in zip(batch, files_digests(batch), strict=True):
            hashed.update(f"{before}{json.dumps([path.relative_to(folder).as_posix(), mark])}".encode())
            before = ", "
    hashed.update(b"]")
    return hashed.hexdigest()


def _files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, sorted; the names of one folder are held at a time."""
    for path in map(folder.joinpath, sorted(os.listdir(folder))):
        if path.is_dir() and not path.is_symlink():
            yield from _files_below(path)
        elif path.is_file():
            yield path


def _digests_for(files: Iterable[Path]) -> Callable[[Sequence[Path]], list[str]]:
    return sha256_of if sum(path.stat().st_size for path in files) <= MUCH else by_their_states


def by_their_states(paths: Sequence[Path]) -> list[str]:
    """Size and time of the last write of each file."""
    states = [path.stat() for path in paths]
    return [f"{state.st_size} {state.st_mtime_ns}" for state in states]


def digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def is_still(path: str, mark: str) -> bool:
    """Whether `mark` is the fingerprint of what lies at `path`, by today's rule or by those of earlier versions."""
    return any(mark == fingerprint(path, rule) for rule in (None, by_their_ends, sha256_of))


def by_their_ends(paths: Sequence[Path]) -> list[str]:
    """What identified raw files in earlier versions: of large ones size, first and last MiB, of others the whole content."""
    return [_of_ends(path) if path.stat().st_size > LARGE else sha256(path) for path in paths]


def _of_ends(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(END)
        file.seek(-END, os.SEEK_END)
        return hashlib.sha256(head + file.read() + str(path.stat().st_size).encode()).hexdigest()
