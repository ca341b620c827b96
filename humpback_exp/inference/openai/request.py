"""One request to an endpoint: its answer as parsed JSON, or the error that says what is wrong."""

import asyncio
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from humpback_exp.config import EngineConfig
from humpback_exp.inference.openai.compatibility import Payload
from humpback_exp.inference.openai.error_messages import is_overflow
from humpback_exp.inference.openai.errors import SHOWN, EndpointError, status_error, unreadable


async def request(
    client: Any, path: str, payload: Payload, read: Callable[[Any], Any], config: EngineConfig, model: str, key: str
) -> tuple[Any, int]:
    """What `read` makes of the answer to one request (None for a prompt beyond the context), and its tokens.

    Raises:
        EndpointError: anything else.
    """
    import openai

    try:
        async with asyncio.timeout(config.timeout):
            answer = await client.post(path, body=payload, cast_to=object)
    except openai.APIStatusError as error:
        if is_overflow(error, payload):
            return None, 0
        raise status_error(error, payload, config.key_variable, model, key) from None
    except (TimeoutError, openai.APITimeoutError):
        remedy = "raise engine.timeout or lower engine.batch_size"
        raise EndpointError(f"no answer within {config.timeout:g} s", remedy) from None
    except openai.APIConnectionError as error:
        reason = error.__cause__ or error
        if isinstance(reason, EndpointError):
            raise reason from None
        if type(reason).__name__ == "DecodingError":  # of httpx or httpx2, whichever openai came with
            raise unreadable(f"{reason}", key) from None
        raise EndpointError(f"cannot be reached ({reason})", "start the endpoint or correct the address") from None
    except (ValueError, RecursionError) as error:
        raise unreadable(f"{error}", key) from None
    try:
        answer = _parsed(answer)
        return read(answer), tokens_used(answer, "total_tokens")
    except (LookupError, TypeError, ValueError, AttributeError):
        told = _told(answer)
        if told and is_overflow(told, payload):
            return None, 0
        raise (
            status_error(told, payload, config.key_variable, model, key) if told else unreadable(repr(answer), key)
        ) from None


async def keep_method(response: Any) -> None:
    """Raise the EndpointError of a redirection behind which the request would arrive without what it asks."""
    if response.status_code in (301, 302, 303) and "location" in response.headers:
        reason = f"redirects to {response.headers['location'][:SHOWN]!r} (status {response.status_code})"
        raise EndpointError(reason, "set engine.base_url to the address that it names", retry=False)


def _told(answer: Any) -> Any:
    """The error of an answer that holds one with a status of its own, as proxies pass on what they were told; else None."""
    error = answer.get("error") if isinstance(answer, dict) else None
    status = str(error.get("code")) if isinstance(error, dict) else ""
    if not re.fullmatch("[45][0-9][0-9]", status):
        return None
    response = SimpleNamespace(headers={})
    return SimpleNamespace(status_code=int(status), body=error, message=repr(error), response=response)


def _parsed(answer: Any) -> Any:
    """The answer, also where its JSON is sent as text."""
    try:
        return json.loads(answer.removeprefix("\ufeff")) if isinstance(answer, str) else answer
    except (ValueError, RecursionError):
        return answer


def tokens_used(answer: Any, name: str) -> int:
    """A count of an answer's `usage`; 0 where the endpoint tells none."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    counted = usage.get(name) if isinstance(usage, dict) else None
    return counted if isinstance(counted, int) and counted > 0 else 0
