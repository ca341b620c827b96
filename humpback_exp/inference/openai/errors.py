"""What can go wrong with a request to an endpoint: what to say, whether to try again, and whether it is the row's own fault."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from humpback_exp.completions import FAILED, FILTERED, REFUSED

OVERFLOW = re.compile(
    "context length|context_length|max_model_len|maximum model length|context window|context size|prompt is too long"
    "|maximum number of tokens|inputs tokens|inputs must have less than|max_tokens must be at least 1 got 0"
)
"""Words in a refusal that say a prompt was too long; there is no common code. The last is vLLM's, for one that leaves no room."""
OVERFLOW_CODES = ("context_length_exceeded", "string_above_max_length")
FILTER = re.compile(
    r"content[ _]?filter|content[ _]policy|content management|moderat|flagged|safety|blocked|prohibited"
)
"""Words in a refusal that say a prompt is not answered because of what it is about."""
BUSY = (408, 409, 429)
ABOUT_ROW = (400, 413, 422, 451)
"""Statuses of a request that is refused for what it says."""
SHOWN = 200
"""Characters of an endpoint's own words that are shown."""
ECHO = 4
"""Words in a row that stand in a request, too, are quoted from it: they are no words of the endpoint's."""


class EndpointError(Exception):
    """A request that failed."""

    def __init__(
        self,
        reason: str,
        remedy: str,
        retry: bool = True,
        wait: float = 0.0,
        status: int = 0,
        row: bool = False,
        finish: str = FAILED,
        words: str = "",
    ) -> None:
        """
        Args:
            remedy: what helps.
            retry: whether to try again.
            wait: seconds to wait at least before that.
            row: whether it may be for what the row says; others say how the endpoint is.
            finish: how the row's completion ends if it is given up.
            words: the endpoint's own, for `compatibility.adapt`.
        """
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.retry = retry
        self.wait = wait
        self.status = status
        self.row = row
        self.finish = finish
        self.words = words

    def given_up(self, tries: int) -> "EndpointError":
        """The same, given up after so many tries."""
        if tries > 1:
            self.reason += f" ({tries} tries)"
        return self


def is_overflow(error: Any, payload: Mapping[str, Any]) -> bool:
    """Whether a refusal says, in words of its own, that prompt and answer do not fit the model's context."""
    if error.status_code not in (400, 413, 422):
        return False
    return code(error) in OVERFLOW_CODES or OVERFLOW.search(own_words(message(error), payload)) is not None


def code(error: Any) -> str:
    """The endpoint's name for what is wrong, where it gives one."""
    return str(error.body.get("code") or "") if isinstance(error.body, dict) else ""


def message(error: Any) -> str:
    """What an endpoint says: OpenAI's `message`, FastAPI's `detail`, or the text as it came."""
    body = error.body
    if isinstance(body, dict):
        for name in ("message", "detail", "error", "msg", "reason"):
            if body.get(name):
                return _text(body[name])
    return _text(body) if isinstance(body, str | list) and body else str(error.message)


def _text(said: Any) -> str:
    if isinstance(said, list):
        return "; ".join(map(_text, said))
    if isinstance(said, dict) and "msg" in said:  # FastAPI's: where, and what
        return ".".join(map(str, said.get("loc", []))) + ": " + str(said["msg"])
    if isinstance(said, dict):
        return _text(said["message"]) if "message" in said else json.dumps(said)
    return str(said)


def own_words(said: str, payload: Mapping[str, Any]) -> str:
    """The words of an endpoint in lower case, less those that it quotes from the request."""
    words = _words(said)
    sent = _words(" ".join(_texts(payload)))
    runs = {tuple(sent[place : place + ECHO]) for place in range(len(sent) - ECHO + 1)}
    quoted = {
        place + offset
        for place in range(len(words) - ECHO + 1)
        if tuple(words[place : place + ECHO]) in runs
        for offset in range(ECHO)
    }
    return " ".join(word for place, word in enumerate(words) if place not in quoted)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", re.sub(r'\\[nrt"]', " ", text).lower())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


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
    return EndpointError(
        f"broke an answer off (finish_reason {finish[:SHOWN]!r})", "the same command asks again", row=True
    )


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
            seconds = parsedate_to_datetime(value).timestamp() - time()
        except (ValueError, OverflowError):
            return 0.0
    return 0.0 if math.isnan(seconds) else max(0.0, seconds)
