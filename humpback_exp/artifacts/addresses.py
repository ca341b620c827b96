"""What lies at an address (`s3://`, `https://`, `memory://`): asked for patiently, and known by what its server says of it."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from textwrap import shorten
from typing import Any, TypeVar

T = TypeVar("T")
WAITS = (1.0, 4.0, 16.0)
"""Seconds before a question over a network is asked again (ours)."""
IN_VAIN = (401, 403, 404, 410)
"""Statuses of HTTP that will be the same in a minute."""
SAID = (
    *("size", "ETag", "etag", "md5", "md5Hash", "LastModified", "last_modified", "mtime", "blob_id"),
    *("Last-Modified", "Content-MD5", "Digest", "sha", "modificationTime"),
)
"""What servers say of the state of a file, under the names that fsspec has for it."""
ASKED = 16
"""Files that are asked for at a time, which takes a while over a network (ours)."""


def is_remote(path: str) -> bool:
    """Whether a path is an address, not one of this machine."""
    return "://" in path


def file_system(address: str) -> tuple[Any, str]:
    """The file system of an address, and the name of what lies there in it."""
    import fsspec  # a fifth of a second, which what lies on this machine need not spend

    fs, path = fsspec.core.url_to_fs(address)
    return fs, path


def patiently(action: Callable[[], T], path: str) -> T:
    """What an action over a network gives, which is tried again, for a corpus must not end with one lost connection.

    Args:
        path: what it is about.

    Raises:
        FileNotFoundError, PermissionError: there is nothing, or no leave.
        ValueError: it still fails, or can never do.
    """
    for wait in (*WAITS, None):
        try:
            return action()
        except Exception as error:  # each protocol raises errors of its own library
            # fsspec says of all that fails over HTTP that there is no such file, because of something else.
            reason = error.__cause__ or error
            if _is_final(error, getattr(reason, "status", None)):
                raise
            if wait is None or isinstance(error, ValueError):
                said = shorten(f"{type(reason).__name__}: {reason}", 200)
                raise ValueError(
                    f"corpus.path={path}: cannot be read ({said}); repeat the command when its server is well, or fetch it first"
                ) from None
            time.sleep(wait)
    raise AssertionError


def _is_final(error: Exception, status: int | None) -> bool:
    if isinstance(error, FileNotFoundError):
        return error.__cause__ is None or status in IN_VAIN
    return isinstance(error, PermissionError) or status in IN_VAIN


def states_below(path: str) -> list[list[str]]:
    """Name of each file below an address, or of the one that it is, and its state."""
    fs, inner = file_system(path)
    found = sorted(patiently(lambda: fs.find(inner, detail=True), path).items())
    with ThreadPoolExecutor(ASKED) as pool:
        told = pool.map(lambda each: _told(each[1]) or state_of(fs, each[0]), found)
        return [[name, *state] for (name, _), state in zip(found, told, strict=True)]


def state_of(fs: Any, inner: str) -> list[str]:
    """What a server says of the state of a file: size, time and checksum, as far as it does."""
    return _told(patiently(lambda: fs.info(inner), inner))


def _told(info: Mapping[str, Any]) -> list[str]:
    return [f"{key} {info[key]}" for key in SAID if info.get(key)]
