"""Many requests to one OpenAI-compatible endpoint: bounded, retried, paced, kept; one line when it cannot go on."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from humpback_exp.config import EngineConfig
from humpback_exp.config.api_key import endpoint_key
from humpback_exp.inference.openai.errors import (
    EndpointError,
    is_overflow,
    not_supported,
    redacted,
    status_error,
    unreadable,
)
from humpback_exp.inference.openai.rate_limit import RateLimit, delay
from humpback_exp.inference.openai.response_cache import ResponseCache
from humpback_exp.progress import Advance

Payload = dict[str, Any]
Read = Callable[[int, Any], Any]
"""Row and its answer as parsed JSON -> what is kept of it, plain values. A LookupError, TypeError, ValueError or
AttributeError says that the answer cannot be read, `not_supported` that the endpoint has no such thing."""

Keep = Callable[[int, Any, int], object]
"""Takes a row, what was read from its answer, and the tokens that cost."""


class NotSupported(ValueError):
    """The endpoint answers, but not this, and asking again will not help: no log-probabilities, no such path, a refusal."""


class Endpoint:
    """The address in the config, asked for one model."""

    def __init__(self, config: EngineConfig, model: str, identity: str) -> None:
        """`identity` tells models apart that are served by the same name, so that no answer is taken for another's."""
        self.config = config
        self.model = model
        self.identity = identity
        self.key = endpoint_key(config)

    def ask(self, path: str, payloads: Sequence[Payload], read: Read, advance: Advance) -> list[Any]:
        """What `read` makes of each answer; None for a prompt beyond the context.

        Raises:
            ValueError: it is down or answers nothing that could be read, again and again; the answers that came are kept.
            NotSupported: it refuses or has no such thing; the answers that came are kept, too.
        """
        cache = ResponseCache(Path(self.config.answers), self.identity, path, payloads)
        advance(len(cache.kept), 0)

        def keep(row: int, reading: Any, tokens: int) -> None:
            cache.keep(row, reading)
            advance(1, tokens)

        self._run(path, {row: payload for row, payload in enumerate(payloads) if row not in cache.kept}, read, keep)
        return [cache.kept[row] for row in range(len(payloads))]

    def fetch(self, path: str, payloads: Sequence[Payload], read: Read) -> list[Any]:
        """As `ask`, for answers that cost nothing and so are not kept on disk."""
        found: dict[int, Any] = {}
        self._run(path, dict(enumerate(payloads)), read, lambda row, reading, _: found.update({row: reading}))
        return [found[row] for row in range(len(payloads))]

    def unable(self, lacking: str) -> NotSupported:
        """The error of an endpoint that lacks what a method needs."""
        return NotSupported(self._message(not_supported(lacking)))

    def _run(self, path: str, payloads: Mapping[int, Payload], read: Read, keep: Keep) -> None:
        try:
            asyncio.run(self._all(path, payloads, read, keep))
        except EndpointError as error:
            raise (ValueError if error.retry else NotSupported)(self._message(error)) from None

    def _message(self, error: EndpointError) -> str:
        line = f"engine.base_url={self.config.base_url}: {error.reason}; {error.remedy}; answers so far are kept"
        return redacted(" ".join(line.split()), self.key)

    async def _all(self, path: str, missing: Mapping[int, Payload], read: Read, keep: Keep) -> None:
        """Ask for all; after a failure nothing new is sent, and what is under way is waited for, since it is paid for."""
        from openai import AsyncOpenAI

        rate_limit, waiting, failed = RateLimit(self.config.batch_size), iter(missing.items()), list[EndpointError]()
        settings = {"base_url": self.config.base_url, "api_key": self.key or "none", "timeout": self.config.timeout}

        async def worker(client: Any, rows: Iterator[tuple[int, Payload]]) -> None:
            for row, payload in rows:
                try:
                    keep(row, *await self._one(client, path, payload, partial(read, row), rate_limit))
                except EndpointError as error:
                    failed.append(error)
                    rate_limit.stopped.set()
                if failed:
                    return

        async with AsyncOpenAI(**settings, max_retries=0) as client:
            await asyncio.gather(*(worker(client, waiting) for _ in range(min(self.config.batch_size, len(missing)))))
        if failed:
            raise failed[0]

    async def _one(
        self, client: Any, path: str, payload: Payload, read: Callable[[Any], Any], rate_limit: RateLimit
    ) -> tuple[Any, int]:
        for tries in count(1):
            async with rate_limit:
                try:
                    if rate_limit.stopped.is_set():
                        raise EndpointError("another request failed", "see its line", retry=False)
                    reading = await self._answer(client, path, payload, read)
                    rate_limit.answered()
                    return reading
                except EndpointError as error:
                    if not error.retry or tries > self.config.retries:
                        raise error.given_up(tries) from None
                    wait = max(error.wait, delay(tries))
                    if error.status == 429:
                        rate_limit.refused(wait)
            await rate_limit.rest(wait)
        raise AssertionError("count ends never")

    async def _answer(self, client: Any, path: str, payload: Payload, read: Callable[[Any], Any]) -> tuple[Any, int]:
        """What `read` makes of one answer (None for a prompt beyond the context), and its tokens."""
        import openai

        try:
            async with asyncio.timeout(self.config.timeout):
                answer = await client.post(path, body=payload, cast_to=object)
        except openai.APIStatusError as error:
            if is_overflow(error):
                return None, 0
            raise status_error(error, self.config.key_variable, self.model, self.key) from None
        except (TimeoutError, openai.APITimeoutError):
            remedy = "raise engine.timeout or lower engine.batch_size"
            raise EndpointError(f"no answer within {self.config.timeout:g} s", remedy) from None
        except openai.APIConnectionError as error:
            reason = error.__cause__ or error
            raise EndpointError(f"cannot be reached ({reason})", "start the endpoint or correct the address") from None
        except ValueError as error:
            raise unreadable(f"{error}", self.key) from None
        try:
            return read(answer), (answer.get("usage") or {}).get("total_tokens", 0)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise unreadable(repr(answer), self.key) from None
