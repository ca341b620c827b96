"""Which worker does which chunk, on any file system that several machines share.

Chunk 7 is claimed by creating `00007.0.claim`, which only one worker can. As long as it works, it touches the file. When
a worker that waits has seen no touch for a lease, the other is dead and chunk 7 is claimed anew as `00007.1.claim`; if
the dead one comes back to life, it finds that file and keeps its rows to itself. Nobody's clock is compared with another's.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

SUFFIX = ".claim"


class Leases:
    """One worker's view of all leases."""

    def __init__(self, folder: Path, lease: float) -> None:
        """
        Args:
            lease: seconds without a touch after which a worker is dead.
        """
        self.folder, self.lease = folder, lease
        self.signs: dict[int, tuple[tuple[int, int], float]] = {}
        """Chunk -> newest generation and its last touch, and since when (on our clock) we have seen just these."""
        folder.mkdir(parents=True, exist_ok=True)

    def free(self, numbers: Iterable[int]) -> dict[int, int]:
        """The chunks that can be claimed, each with the generation to claim: unclaimed, or of a dead worker."""
        newest, now, free = self._newest(), time.monotonic(), {}
        for number in numbers:
            sign = newest.get(number)
            if sign is None:
                free[number] = 0
            elif self.signs.get(number, (None, 0.0))[0] != sign:
                self.signs[number] = (sign, now)
            elif now - self.signs[number][1] > self.lease:
                free[number] = sign[0] + 1
        return free

    def _newest(self) -> dict[int, tuple[int, int]]:
        newest: dict[int, tuple[int, int]] = {}
        for path in self.folder.glob(f"*{SUFFIX}"):
            number, generation, _ = path.name.split(".")
            sign = (int(generation), path.stat().st_mtime_ns)
            newest[int(number)] = max(sign, newest.get(int(number), sign))
        return newest

    @contextmanager
    def take(self, number: int, generation: int) -> Iterator[bool]:
        """Claim a chunk for the length of the block; False when another worker was faster."""
        path = self._path(number, generation)
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            yield False
            return
        over = Event()
        touching = Thread(target=_touch, args=(path, over, self.lease / 4), daemon=True)
        touching.start()
        try:
            yield True
        finally:
            over.set()
            touching.join()

    def lost(self, number: int, generation: int) -> bool:
        """Whether another worker took us for dead and does the chunk."""
        return self._path(number, generation + 1).exists()

    def _path(self, number: int, generation: int) -> Path:
        return self.folder / f"{number:05d}.{generation}{SUFFIX}"


def _touch(path: Path, over: Event, seconds: float) -> None:
    while not over.wait(seconds):
        os.utime(path)
