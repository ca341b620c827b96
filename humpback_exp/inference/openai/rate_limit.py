"""How fast an endpoint is asked: fewer requests at once after a refusal, slowly more again while all is well."""

import asyncio
import random
import time
from types import TracebackType

from humpback_exp.progress import log

FIRST_DELAY, LONGEST_DELAY = 0.5, 60.0
"""Seconds before the first try again, which double with every further one, and what they grow to."""
LONGEST_PAUSE = 300.0
"""Seconds that an endpoint can ask for between two tries."""


class RateLimit:
    """`async with rate_limit:` around a request waits for a free place. Additive increase, multiplicative decrease, as in TCP."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        self.running = 0
        self.until = 0.0
        self.turn = asyncio.Condition()
        self.stopped = asyncio.Event()

    async def __aenter__(self) -> None:
        async with self.turn:
            await self.turn.wait_for(lambda: self.running < int(self.limit))
            self.running += 1
        await self.rest(self.until - time.monotonic())

    async def __aexit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        async with self.turn:
            self.running -= 1
            self.turn.notify_all()

    def answered(self) -> None:
        """One place more for every round of answers."""
        self.limit = min(float(self.most), self.limit + 1 / self.limit)

    def refused(self, seconds: float) -> None:
        """Nobody asks for so long, and half as many afterwards; refusals of one burst count once."""
        if time.monotonic() >= self.until:
            self.limit = max(1.0, self.limit / 2)
            log.info("endpoint: asks for a pause of %.1f s; then %d requests at once", seconds, int(self.limit))
        self.until = max(self.until, time.monotonic() + seconds)

    async def rest(self, seconds: float) -> None:
        """Sleep, unless the whole call is being stopped."""
        if seconds > 0:
            try:
                await asyncio.wait_for(self.stopped.wait(), seconds)
            except TimeoutError:
                pass


def delay(failures: int) -> float:
    """Seconds before the next try after so many failures, with jitter so that the failed do not come back together."""
    return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** (failures - 1)) * random.uniform(0.5, 1.0))
