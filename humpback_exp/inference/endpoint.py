"""Many requests to one OpenAI-compatible endpoint: bounded, retried, paced, kept; one line when it cannot go on."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from time import time
from typing import Any

from humpback_exp.config import EngineConfig
from humpback_exp.inference.engine import Advance
from humpback_exp.inference.journal import Journal
from humpback_exp.inference.pace import Pace, delay
from humpback_exp.planning import endpoint_key

Payload = dict[str, Any]
Read = Callable[[int, Any], Any]
"""Row and its answer as parsed JSON -> what is kept of it, plain values. A LookupError, TypeError or AttributeError says
that the answer is garbage."""

Keep = Callable[[int, Any, int], object]
"""Takes a row, what was read from its answer, and the tokens that cost."""

OVERFLOW = (
    "context length",
    "context_length",
    "max_model_len",
    "maximum model length",
    "context window",
    "context size",
)
"""Words in a 400 that say a prompt was too long; there is no common code."""
BUSY = (408, 409, 429)


class NotOffered(ValueError):
    """The endpoint answers, but has no such thing: no log-probabilities, no path of that name."""


class Trouble(Exception):
    """A request that failed: what happened, what helps, and whether to try again."""

    def __init__(self, what: str, remedy: str, again: bool = True, wait: float | None = None, status: int = 0) -> None:
        super().__init__(what)
        self.what, self.remedy, self.again, self.wait, self.status = what, remedy, again, wait, status


class Endpoint:
    """The address in the config, asked for one model."""

    def __init__(self, config: EngineConfig, model: str, mark: str) -> None:
        """`mark` tells models apart that are served by the same name, so that no answer is taken for another's."""
        self.config, self.model, self.mark, self.key = config, model, mark, endpoint_key(config)

    def ask(self, path: str, payloads: Sequence[Payload], read: Read, advance: Advance) -> list[Any]:
        """What `read` makes of each answer; None for a prompt beyond the context.

        Raises:
            ValueError: it is down, refuses, or answers garbage, again and again; the answers that came are kept.
            NotOffered: it has no such path.
        """
        journal = Journal(Path(self.config.answers), self.mark, path, payloads)
        advance(len(journal.kept), 0)

        def keep(row: int, reading: Any, tokens: int) -> None:
            journal.keep(row, reading)
            advance(1, tokens)

        self.fetch(path, {row: payload for row, payload in enumerate(payloads) if row not in journal.kept}, read, keep)
        return [journal.kept[row] for row in range(len(payloads))]

    def fetch(self, path: str, payloads: Mapping[int, Payload], read: Read, keep: Keep) -> None:
        """Ask for what is not worth keeping on disk; see `ask`."""
        try:
            asyncio.run(self._all(path, payloads, read, keep))
        except Trouble as trouble:
            kind = NotOffered if trouble.status in (404, 405) else ValueError
            raise kind(self._said(trouble)) from None

    def _said(self, trouble: Trouble) -> str:
        line = f"engine.base_url={self.config.base_url}: {trouble.what}; {trouble.remedy}; answers so far are kept"
        line = " ".join(line.split())
        return line.replace(self.key, "[key]") if self.key else line

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
        for failures in range(1, self.config.retries + 2):
            async with pace:
                if pace.stopped.is_set():
                    break
                try:
                    reading = await self._answer(client, path, payload, read)
                    pace.answered()
                    return reading
                except Trouble as trouble:
                    last = trouble
                    wait = max(trouble.wait or 0.0, delay(failures))
                    if trouble.status == 429 and trouble.again:
                        pace.refused(wait)
            if not last.again:
                raise last
            if failures <= self.config.retries:
                await pace.rest(wait)
        else:
            last.what += f" ({self.config.retries + 1} tries)"
            raise last
        raise Trouble("stopped", "another request failed")

    async def _answer(self, client: Any, path: str, payload: Payload, read: Callable[[Any], Any]) -> tuple[Any, int]:
        """What `read` makes of one answer, None for a prompt beyond the context, and its tokens; what goes wrong is Trouble."""
        import openai

        try:
            async with asyncio.timeout(self.config.timeout):
                answer = await client.post(path, body=payload, cast_to=object)
        except openai.APIStatusError as error:
            if error.status_code in (400, 413, 422) and any(word in str(error).lower() for word in OVERFLOW):
                return None, 0
            raise self._refusal(error) from None
        except (TimeoutError, openai.APITimeoutError):
            remedy = "raise engine.timeout or lower engine.batch_size"
            raise Trouble(f"no answer within {self.config.timeout:g} s", remedy) from None
        except openai.APIConnectionError as error:
            reason = error.__cause__ or error
            raise Trouble(f"cannot be reached ({reason})", "start the endpoint or correct the address") from None
        except ValueError as error:
            raise _garbage(f"{error}") from None
        try:
            return read(answer), (answer.get("usage") or {}).get("total_tokens", 0)
        except (LookupError, TypeError, AttributeError):
            raise _garbage(repr(answer)) from None

    def _refusal(self, error: Any) -> Trouble:
        """Trouble of an HTTP status, with the endpoint's own words."""
        status, config = error.status_code, self.config
        body = error.body if isinstance(error.body, dict) else {}
        said = f"status {status}, {str(body.get('message') or error.message)[:200]!r}"
        if status in (401, 403):
            return Trouble(said, f"it refuses the key in {config.key_variable}; export a valid one", again=False)
        if status in (404, 405):
            remedy = f"engine.model={self.model} must be a name it serves, and the address usually ends in /v1"
            return Trouble(said, remedy, again=False, status=status)
        if body.get("code") == "insufficient_quota":
            return Trouble(said, "the account behind the key has nothing left", again=False)
        again = status in BUSY or status >= 500
        remedy = "the same command goes on when it is well again" if again else "it does not take such a request"
        return Trouble(said, remedy, again, _wait(error.response.headers), status)


def _garbage(answer: str) -> Trouble:
    return Trouble(f"answered with what is no completion: {answer[:120]!r}", "check that the address is an endpoint's")


def _wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that Retry-After asks for, given as a number or as a date."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time())
        except ValueError:
            return None
