"""A stage's folder, held against a second process that would write it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(folder: Path, waits: bool = False) -> Iterator[int]:
    """Hold the folder against a second process.

    The descriptor yielded may be shared with children: the lock lasts as long as any of them.

    Args:
        waits: wait for another process that holds it.

    Raises:
        ValueError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        except BlockingIOError:
            raise ValueError(f"{folder}: another process is writing it; wait for it or choose another name=") from None
        yield file.fileno()
