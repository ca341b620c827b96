"""Many requests to one OpenAI-compatible endpoint: bounded, retried, paced, kept; one line when it cannot go on."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from humpback_exp.config import EngineConfig
from humpback_exp.config.api_key import endpoint_key
from humpback_exp.inference.openai.compatibility import Payload
from humpback_exp.inference.openai.errors import EndpointError, Failed, NotSupported, not_supported, redacted
from humpback_exp.inference.openai.learning_sender import LearningSender
from humpback_exp.inference.openai.rate_limit import LONGEST_PAUSE, RateLimit, delay
from humpback_exp.inference.openai.request import keep_method
from humpback_exp.inference.openai.response_cache import ResponseCache
from humpback_exp.progress import Advance, log

Read = Callable[[int, Any], Any]
"""Row and its answer as parsed JSON -> what is kept of it, plain values. A LookupError, TypeError, ValueError or
AttributeError says that the answer cannot be read, `not_supported` that the endpoint has no such thing."""

Keep = Callable[[int, Any, int], object]
"""Takes a row, what was read from its answer, and the tokens that cost."""
FIRST_ROWS = 50
"""Rows that count as asked from the start, so that `engine.max_failed` is not reached by the first that fails."""


class Endpoint:
    """The address in the config, asked for one model."""

    def __init__(self, config: EngineConfig, model: str, identity: str) -> None:
        """`identity` tells models apart that are served by the same name, so that no answer is taken for another's."""
        self.config = config
        self.model = model
        self.identity = identity
        self.key = endpoint_key(config)
        self.sender = LearningSender(config, model, self.key)
        self.answered = 0
        self.failed = 0
        self.logged: set[str] = set()

    def ask(self, path: str, payloads: Sequence[Payload], read: Read, advance: Advance) -> list[Any]:
        """What `read` makes of each answer; None for a prompt beyond the context, `Failed` for a row that was given up.

        Rows that were given up are not kept, so the same call asks for them again.

        Raises:
            ValueError: it is down, or too many rows failed; the answers that came are kept.
            NotSupported: it refuses or has no such thing; the answers that came are kept, too.
        """
        cache = ResponseCache(Path(self.config.answers), self.identity, path, payloads)
        advance(len(cache.kept), 0)
        found = dict(cache.kept)

        def keep(row: int, value: Any, tokens: int) -> None:
            found[row] = value
            if not isinstance(value, Failed):
                cache.keep(row, value)
            advance(1, tokens)

        self._run(path, {row: payload for row, payload in enumerate(payloads) if row not in found}, read, keep)
        return [found[row] for row in range(len(payloads))]

    def fetch(self, path: str, payloads: Sequence[Payload], read: Read, strict: bool = False) -> list[Any]:
        """As `ask`, for answers that cost nothing and so are not kept on disk.

        Args:
            strict: whether any row that fails is an error.
        """
        found: dict[int, Any] = {}
        self._run(path, dict(enumerate(payloads)), read, lambda row, value, _: found.update({row: value}), strict)
        return [found[row] for row in range(len(payloads))]

    def not_supported(self, what: str) -> NotSupported:
        """The error of an endpoint that lacks what a method needs."""
        return NotSupported(self._message(not_supported(what)))

    def _run(self, path: str, payloads: Mapping[int, Payload], read: Read, keep: Keep, strict: bool = False) -> None:
        try:
            asyncio.run(self._all(path, payloads, read, keep, strict))
        except EndpointError as error:
            raise (ValueError if error.retry else NotSupported)(self._message(error)) from None

    def _message(self, error: EndpointError) -> str:
        line = f"engine.base_url={self.config.base_url}: {error.reason}; {error.remedy}; answers so far are kept"
        return redacted(" ".join(line.split()), self.key)

    async def _all(self, path: str, missing: Mapping[int, Payload], read: Read, keep: Keep, strict: bool) -> None:
        """Ask for all; after an error nothing new is sent, and what is under way is waited for, since it is paid for."""
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        rate_limit, waiting, errors = RateLimit(self.config.batch_size), iter(missing.items()), list[EndpointError]()
        options = {"base_url": self.config.base_url, "api_key": self.key or "none", "timeout": self.config.timeout}

        async def worker(client: Any, rows: Iterator[tuple[int, Payload]]) -> None:
            for row, payload in rows:
                try:
                    keep(row, *await self._one(client, path, payload, partial(read, row), rate_limit))
                    self.answered += 1
                except EndpointError as error:
                    if not strict and self._is_bearable(error):
                        keep(row, Failed(error.finish), 0)
                        continue
                    errors.append(error)
                    rate_limit.stopped.set()
                if errors:
                    return

        http = DefaultAsyncHttpxClient(event_hooks={"response": [keep_method]})
        async with AsyncOpenAI(**options, max_retries=0, http_client=http) as client:
            await asyncio.gather(*(worker(client, waiting) for _ in range(min(self.config.batch_size, len(missing)))))
        if errors:
            raise errors[0]

    def _is_bearable(self, error: EndpointError) -> bool:
        """Whether a row that is given up is left out, rather than all ended: it is the row's own fault, and few are."""
        known = self.answered > 0 or not error.retry  # one that never answered yet may be no endpoint at all
        if not (error.row and known):
            return False
        self.failed += 1
        if self.failed > self.config.max_failed * max(self.answered + self.failed, FIRST_ROWS):
            error.remedy += (
                f"; {self.failed} rows failed, more than engine.max_failed={self.config.max_failed:g} allows"
            )
            return False
        self._log_once(f"endpoint: a row is left out: {error.reason}")
        return True

    def _log_once(self, line: str) -> None:
        if line not in self.logged:
            self.logged.add(line)
            log.warning("%s", redacted(" ".join(line.split()), self.key))

    async def _one(
        self, client: Any, path: str, payload: Payload, read: Callable[[Any], Any], rate_limit: RateLimit
    ) -> tuple[Any, int]:
        """What `read` makes of the answer to one row, and its tokens, after as many tries as that takes."""
        before = self.answered
        for tries in count(1):
            async with rate_limit:
                try:
                    if rate_limit.stopped.is_set():
                        raise EndpointError("another request failed", "see its line", retry=False)
                    value = await self.sender.send(client, path, payload, read)
                    rate_limit.answered()
                    return value
                except EndpointError as error:
                    if not error.retry or tries > self.config.retries:
                        # others were answered meanwhile, so the endpoint is well
                        error.row = error.row or (error.retry and self.answered > before)
                        raise error.given_up(tries) from None
                    wait = self._wait(max(error.wait, delay(tries)))
                    if error.status == 429:
                        rate_limit.refused(wait)
            await rate_limit.rest(wait)
        raise AssertionError("count ends never")

    def _wait(self, seconds: float) -> float:
        """Seconds to wait, which no endpoint can make longer than `LONGEST_PAUSE`."""
        if seconds > LONGEST_PAUSE:
            self._log_once(f"endpoint: asks for a pause of {seconds:g} s; waiting {LONGEST_PAUSE:g} s instead")
        return min(seconds, LONGEST_PAUSE)
