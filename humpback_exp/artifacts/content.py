"""SHA-256 of whole files: a large one is read once, and remembered as long as nothing says that it has changed.

What is remembered lies in the user's cache folder, a small file for each large one, named after all that the system knows of
it: path, size, time of the last write, time of the last change of its state (which nobody can set back), inode and device.
When any of these differs the name differs, and the file is read again.
"""

import hashlib
import json
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO

from tqdm import tqdm

from humpback_exp.progress import bar, log

LARGE = 1 << 24
"""Bytes from which a file is remembered; reading a smaller one takes no longer than looking it up on a slow disk."""
BLOCK = 1 << 22
"""Bytes read at a time."""
SILENT = 2.0
"""Seconds of reading before a word is said about it."""
SETTLED = 2.0
"""Seconds for which a file must have lain still to be remembered: clocks of file systems tick every few milliseconds, some
every two seconds, and a second write within a tick cannot be told from the first."""


def sha256_of(paths: Sequence[Path]) -> list[str]:
    """The SHA-256 of each file's whole content, in hexadecimal digits."""
    known = {path: _remembered(path) for path in paths}
    unread = [path for path in paths if known[path] is None]
    with _reading(unread) as reading:
        return [known[path] or _read(path, reading) for path in paths]


def _remembered(path: Path) -> str | None:
    if path.stat().st_size < LARGE:
        return None
    with path.open("rb") as file:  # opened first, since a network file system looks at the file anew only then
        place = _place(path, file)
    try:
        text = place.read_text(encoding="ascii") if place else ""
    except (OSError, UnicodeDecodeError):
        return None
    return text if re.fullmatch("[0-9a-f]{64}", text) else None


def _read(path: Path, reading: "tqdm[Any]") -> str:
    """Read a file, and remember its digest unless it changed meanwhile or a moment ago."""
    with path.open("rb") as file:
        before, began = _place(path, file), time.time()
        hashed = hashlib.sha256()
        while block := file.read(BLOCK):
            hashed.update(block)
            reading.update(len(block))
        state = os.fstat(file.fileno())
        still = began - max(state.st_mtime, state.st_ctime) > SETTLED
        if before is not None and still and before == _place(path, file):
            _remember(before, hashed.hexdigest())
    return hashed.hexdigest()


def _place(path: Path, file: BinaryIO) -> Path | None:
    """Where the digest of an open file is remembered as it is now; None for a small one."""
    state = os.fstat(file.fileno())
    if state.st_size < LARGE:
        return None
    facts = [os.path.realpath(path), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_dev]
    return cache_folder() / hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def cache_folder() -> Path:
    """Below XDG_CACHE_HOME where that is set, else below `.cache` in the home folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "humpback-exp" / "sha256"


def _remember(place: Path, digest: str) -> None:
    """Write by atomic rename, whatever other processes do; where nothing can be written, the file is read again next time."""
    scratch = place.with_name(f".{token_hex(8)}.tmp")
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch.write_text(digest, encoding="ascii")
        scratch.replace(place)
    except OSError as error:
        log.debug("%s: digests are not remembered (%s)", place.parent, error)


def _reading(paths: Sequence[Path]) -> "tqdm[Any]":
    """A bar for the bytes of some files, shown once reading them takes more than a moment."""
    title = f"checksum of {paths[0] if len(paths) == 1 else f'{len(paths)} files'}" if paths else ""
    return bar(sum(path.stat().st_size for path in paths), title, "B", delay=SILENT)
