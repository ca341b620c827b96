"""What an endpoint says where it refuses: in its own words, whatever their form, and less what it quotes from the request."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

OVERFLOW = re.compile(
    "context length|context_length|max_model_len|max_seq_len|maximum model length|maximum prompt length|context window"
    "|context size|context limit|prompt is too long|input is too long|too many tokens|model token limit"
    "|maximum number of tokens|inputs tokens|inputs must have less than|max_tokens must be at least 1 got"
)
"""Words in a refusal that say a prompt was too long; there is no common code. The last is vLLM's, for one that leaves no room."""
OVERFLOW_CODES = ("context_length_exceeded", "string_above_max_length")
ECHO = 4
"""Words in a row that stand in a request, too, are quoted from it: they are no words of the endpoint's."""


def is_overflow(error: Any, payload: Mapping[str, Any]) -> bool:
    """Whether a refusal says, in words of its own, that prompt and answer do not fit the model's context."""
    if error.status_code not in (400, 413, 422, 500):
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
        where = said.get("loc") or []
        place = ".".join(map(str, where if isinstance(where, list) else [where]))
        return f"{place}: {said['msg']}" if place else str(said["msg"])
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
