"""The first question of a chat and its answer, from lists of turns as OpenAI, ShareGPT and others write them."""

from itertools import takewhile
from typing import Any

ROLES = {"human": "user", "gpt": "assistant", "developer": "system"}
"""Other names of roles -> ours."""


def holds_objects(value: Any) -> bool:
    """Whether a value is a list of objects, as turns and the parts of a text are."""
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def first_turn(messages: Any) -> tuple[Any, Any]:
    """The first question, below what the system says before it, and its answer; None for what is not there."""
    said = list(map(_turn, messages if holds_objects(messages) else []))
    system = list(takewhile(lambda turn: turn[0] == "system", said))
    first, second = [*said[len(system) :], (None, None), (None, None)][:2]
    contents = [content for _, content in [*system, first] if isinstance(content, str)]
    asked = first[0] == "user" and len(contents) > len(system)
    return "\n\n".join(contents) if asked else None, second[1] if second[0] == "assistant" else None


def _turn(turn: dict[str, Any]) -> tuple[Any, Any]:
    """Role and text of a turn; no text where a part of it is an image or a sound."""
    role, content = turn.get("role", turn.get("from")), turn.get("content", turn.get("value"))
    if content and holds_objects(content):
        texts = [part.get("text") for part in content if part.get("type", "text") == "text"]
        content = "".join(map(str, texts)) if len(texts) == len(content) and None not in texts else None
    return ROLES.get(str(role), role), content
