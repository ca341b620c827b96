"""Many requests to one OpenAI-compatible endpoint: bounded, retried, paced, kept; one line when it cannot go on."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from humpback_exp.config import EngineConfig
from humpback_exp.config.api_key import endpoint_key
from humpback_exp.inference.openai.errors import Trouble, garbage, hidden, lack, overflows, refusal
from humpback_exp.inference.openai.rate_limit import Pace, delay
from humpback_exp.inference.openai.response_cache import Journal
from humpback_exp.progress import Advance

Payload = dict[str, Any]
Read = Callable[[int, Any], Any]
"""Row and its answer as parsed JSON -> what is kept of it, plain values. A LookupError, TypeError, ValueError or
AttributeError says that the answer is garbage, `lack` that the endpoint has no such thing."""

Keep = Callable[[int, Any, int], object]
"""Takes a row, what was read from its answer, and the tokens that cost."""


class NotOffered(ValueError):
    """The endpoint answers, but not this, and asking again will not help: no log-probabilities, no such path, a refusal."""


class Endpoint:
    """The address in the config, asked for one model."""

    def __init__(self, config: EngineConfig, model: str, mark: str) -> None:
        """`mark` tells models apart that are served by the same name, so that no answer is taken for another's."""
        self.config, self.model, self.mark, self.key = config, model, mark, endpoint_key(config)

    def ask(self, path: str, payloads: Sequence[Payload], read: Read, advance: Advance) -> list[Any]:
        """What `read` makes of each answer; None for a prompt beyond the context.

        Raises:
            ValueError: it is down or answers garbage, again and again; the answers that came are kept.
            NotOffered: it refuses or has no such thing; the answers that came are kept, too.
        """
        journal = Journal(Path(self.config.answers), self.mark, path, payloads)
        advance(len(journal.kept), 0)

        def keep(row: int, reading: Any, tokens: int) -> None:
            journal.keep(row, reading)
            advance(1, tokens)

        self._run(path, {row: payload for row, payload in enumerate(payloads) if row not in journal.kept}, read, keep)
        return [journal.kept[row] for row in range(len(payloads))]

    def fetch(self, path: str, payloads: Sequence[Payload], read: Read) -> list[Any]:
        """As `ask`, for answers that cost nothing and so are not kept on disk."""
        found: dict[int, Any] = {}
        self._run(path, dict(enumerate(payloads)), read, lambda row, reading, _: found.update({row: reading}))
        return [found[row] for row in range(len(payloads))]

    def unable(self, lacking: str) -> NotOffered:
        """The error of an endpoint that lacks what a method needs."""
        return NotOffered(self._said(lack(lacking)))

    def _run(self, path: str, payloads: Mapping[int, Payload], read: Read, keep: Keep) -> None:
        try:
            asyncio.run(self._all(path, payloads, read, keep))
        except Trouble as trouble:
            raise (ValueError if trouble.again else NotOffered)(self._said(trouble)) from None

    def _said(self, trouble: Trouble) -> str:
        line = f"engine.base_url={self.config.base_url}: {trouble.what}; {trouble.remedy}; answers so far are kept"
        return hidden(" ".join(line.split()), self.key)

    async def _all(self, path: str, missing: Mapping[int, Payload], read: Read, keep: Keep) -> None:
        """Ask for all; after a failure nothing new is sent, and what is under way is waited for, since it is paid for."""
        from openai import AsyncOpenAI

        pace, waiting, failed = Pace(self.config.batch_size), iter(missing.items()), list[Trouble]()
        settings = {"base_url": self.config.base_url, "api_key": self.key or "none", "timeout": self.config.timeout}

        async def worker(client: Any, rows: Iterator[tuple[int, Payload]]) -> None:
            for row, payload in rows:
                try:
                    keep(row, *await self._one(client, path, payload, partial(read, row), pace))
                except Trouble as trouble:
                    failed.append(trouble)
                    pace.stopped.set()
                if failed:
                    return

        async with AsyncOpenAI(**settings, max_retries=0) as client:
            await asyncio.gather(*(worker(client, waiting) for _ in range(min(self.config.batch_size, len(missing)))))
        if failed:
            raise failed[0]

    async def _one(
        self, client: Any, path: str, payload: Payload, read: Callable[[Any], Any], pace: Pace
    ) -> tuple[Any, int]:
        for tries in count(1):
            async with pace:
                try:
                    if pace.stopped.is_set():
                        raise Trouble("another request failed", "see its line", again=False)
                    reading = await self._answer(client, path, payload, read)
                    pace.answered()
                    return reading
                except Trouble as trouble:
                    if not trouble.again or tries > self.config.retries:
                        raise trouble.after(tries) from None
                    wait = max(trouble.wait, delay(tries))
                    if trouble.status == 429:
                        pace.refused(wait)
            await pace.rest(wait)
        raise AssertionError("count ends never")

    async def _answer(self, client: Any, path: str, payload: Payload, read: Callable[[Any], Any]) -> tuple[Any, int]:
        """What `read` makes of one answer, None for a prompt beyond the context, and its tokens; what goes wrong is Trouble."""
        import openai

        try:
            async with asyncio.timeout(self.config.timeout):
                answer = await client.post(path, body=payload, cast_to=object)
        except openai.APIStatusError as error:
            if overflows(error):
                return None, 0
            raise refusal(error, self.config.key_variable, self.model, self.key) from None
        except (TimeoutError, openai.APITimeoutError):
            remedy = "raise engine.timeout or lower engine.batch_size"
            raise Trouble(f"no answer within {self.config.timeout:g} s", remedy) from None
        except openai.APIConnectionError as error:
            reason = error.__cause__ or error
            raise Trouble(f"cannot be reached ({reason})", "start the endpoint or correct the address") from None
        except ValueError as error:
            raise garbage(f"{error}", self.key) from None
        try:
            return read(answer), (answer.get("usage") or {}).get("total_tokens", 0)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise garbage(repr(answer), self.key) from None
