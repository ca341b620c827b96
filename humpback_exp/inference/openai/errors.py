"""What can go wrong with a request to an endpoint: what to say, whether to try again, and whether it is the row's own fault."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from humpback_exp.completions import FAILED, FILTERED, REFUSED
from humpback_exp.inference.openai.error_messages import code, message, own_words

FILTER = re.compile(
    r"content[ _]?filter|content[ _]policy|content management|moderat|flagged|safety|blocked|prohibited"
)
"""Words in a refusal that say a prompt is not answered because of what it is about."""
BUSY = (408, 409, 429)
ABOUT_ROW = (400, 413, 422, 451)
"""Statuses of a request that is refused for what it says."""
SHOWN = 200
"""Characters of an endpoint's own words that are shown."""


@dataclass(eq=False)
class EndpointError(Exception):
    """A request that failed."""

    reason: str
    remedy: str
    retry: bool = True
    """Whether to try again."""
    wait: float = 0.0
    """Seconds to wait at least before that."""
    status: int = 0
    row: bool = False
    """Whether it may be for what the row says; others say how the endpoint is."""
    finish: str = FAILED
    """How the row's completion ends if it is given up."""
    words: str = ""
    """The endpoint's own, for `compatibility.adapt`."""

    def given_up(self, tries: int) -> "EndpointError":
        """The same, given up after so many tries."""
        if tries > 1:
            self.reason += f" ({tries} tries)"
        return self


class NotSupported(ValueError):
    """The endpoint answers, but not this, and asking again will not help: no log-probabilities, no such path, a refusal."""


@dataclass(slots=True, frozen=True)
class Failed:
    """Stands for the answer to a row that was given up."""

    finish: str
    """As in `completions.Completion`."""


def redacted(text: str, key: str) -> str:
    """The text without the key."""
    return text.replace(key, "[key]") if key else text


def status_error(
    error: Any, payload: Mapping[str, Any], key_variable: str | None, model: str, key: str
) -> EndpointError:
    """The error of an HTTP status, with the endpoint's own words; no part of `key` is in them."""
    status: int = error.status_code
    said = message(error)
    words = own_words(said, payload)
    shown = f"status {status}, {redacted(said, key)[:SHOWN]!r}"
    if status in (*ABOUT_ROW, 403) and FILTER.search(f"{code(error)} {words}"):
        return EndpointError(shown, "it does not answer such a text", retry=False, row=True, finish=FILTERED)
    if status in (401, 403):
        return EndpointError(shown, f"it refuses the key in {key_variable}; export a valid one", retry=False)
    if status in (404, 405):
        remedy = f"engine.model={model} must be a name it serves, and the address usually ends in /v1"
        return EndpointError(shown, remedy, retry=False, status=status)
    if status == 402 or code(error) == "insufficient_quota":
        return EndpointError(shown, "the account behind the key has nothing left", retry=False)
    if status in BUSY or status >= 500:
        remedy = "the same command goes on when it is well again"
        wait = retry_after(error.response.headers)
        return EndpointError(shown, remedy, wait=wait, status=status, row=status == 500)
    remedy, about_row = "it does not take such a request", status in ABOUT_ROW
    return EndpointError(shown, remedy, retry=False, status=status, row=about_row, finish=REFUSED, words=words)


def unreadable(answer: str, key: str) -> EndpointError:
    """The error of an answer that cannot be read; no part of `key` is shown."""
    shown = f"answered with what is no completion: {redacted(answer, key)[:SHOWN]!r}"
    return EndpointError(shown, "check that the address is an endpoint's", row=True)


def interrupted(finish: str) -> EndpointError:
    """The error of an answer that the endpoint itself calls broken off."""
    return EndpointError(f"broke an answer off ({finish[:SHOWN]!r})", "the same command asks again", row=True)


def not_supported(what: str) -> EndpointError:
    """The error of an endpoint that does not tell what a method needs, and never will."""
    return EndpointError(f"tells {what}", "engine=transformers and engine=vllm do, for any model", retry=False)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that Retry-After asks for, given as a number or as a date; 0 without it or where it is neither."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - time()
        except (ValueError, OverflowError):
            return 0.0
    return 0.0 if math.isnan(seconds) else max(0.0, seconds)
