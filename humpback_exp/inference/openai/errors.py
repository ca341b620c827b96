"""What can go wrong with a request to an endpoint: what to say, and whether to try again."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

OVERFLOW = (
    "context length",
    "context_length",
    "max_model_len",
    "maximum model length",
    "context window",
    "context size",
    "max_tokens must be at least 1, got 0",
)
"""Words in a refusal that say a prompt was too long; there is no common code. The last is vLLM's, for one that leaves no room."""
BUSY = (408, 409, 429)
SHOWN = 200
"""Characters of an endpoint's own words that are shown."""


class EndpointError(Exception):
    """A request that failed: what happened, what helps, whether to try again and after how many seconds at least."""

    def __init__(self, reason: str, remedy: str, retry: bool = True, wait: float = 0.0, status: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.retry = retry
        self.wait = wait
        self.status = status

    def given_up(self, tries: int) -> "EndpointError":
        """The same, given up after so many tries."""
        if tries > 1:
            self.reason += f" ({tries} tries)"
        return self


def is_overflow(error: Any) -> bool:
    """Whether a refusal says that prompt and answer do not fit the model's context."""
    return error.status_code in (400, 413, 422) and any(words in str(error).lower() for words in OVERFLOW)


def redacted(text: str, key: str) -> str:
    """The text without the key."""
    return text.replace(key, "[key]") if key else text


def status_error(error: Any, key_variable: str | None, model: str, key: str) -> EndpointError:
    """The error of an HTTP status, with the endpoint's own words; no part of `key` is in them."""
    status: int = error.status_code
    body = error.body if isinstance(error.body, dict) else {}
    shown = f"status {status}, {redacted(str(body.get('message') or error.message), key)[:SHOWN]!r}"
    if status in (401, 403):
        return EndpointError(shown, f"it refuses the key in {key_variable}; export a valid one", retry=False)
    if status in (404, 405):
        remedy = f"engine.model={model} must be a name it serves, and the address usually ends in /v1"
        return EndpointError(shown, remedy, retry=False, status=status)
    if body.get("code") == "insufficient_quota":
        return EndpointError(shown, "the account behind the key has nothing left", retry=False)
    if status in BUSY or status >= 500:
        remedy = "the same command goes on when it is well again"
        return EndpointError(shown, remedy, wait=retry_after(error.response.headers), status=status)
    return EndpointError(shown, "it does not take such a request", retry=False)


def unreadable(answer: str, key: str) -> EndpointError:
    """The error of an answer that cannot be read; no part of `key` is shown."""
    shown = f"answered with what is no completion: {redacted(answer, key)[:SHOWN]!r}"
    return EndpointError(shown, "check that the address is an endpoint's")


def not_supported(what: str) -> EndpointError:
    """The error of an endpoint that does not tell what a method needs, and never will."""
    return EndpointError(f"tells {what}", "engine=transformers and engine=vllm do, for any model", retry=False)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that Retry-After asks for, given as a number or as a date; 0 without it."""
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except ValueError:
        return 0.0
