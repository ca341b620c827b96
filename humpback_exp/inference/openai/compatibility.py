"""What an endpoint does not take as we send it, learnt from its first refusal: what is sent instead, and where that is kept."""

import json
import re
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import digest
from humpback_exp.config import EngineConfig
from humpback_exp.prompts import without_system

Payload = dict[str, Any]
Settings = dict[str, str | int]
"""What is sent otherwise, by the name of what is asked for; kept in the run's record."""

LEFT_OUT = "left out"
SHORT = "31 bits"
JOINED = "in the user's message"
RENAMED = "max_completion_tokens"
UNKNOWN = re.compile(r"not supported|unsupported|unknown|unrecognized|unexpected|not permitted|not allowed|extra")
NO_SYSTEM = re.compile(
    r"\bsystem\b.*\b(?:role|messages?|prompts?|turns?|instructions?)\b|\brole\b.*\bsystem\b"
    "|roles must alternate|developer instruction"
)
"""Words of a refusal that may be about a conversation's system turn."""


def adapted(payload: Payload, settings: Settings) -> Payload:
    """The payload as this endpoint takes it."""
    sent = dict(payload)
    if settings.get("max_tokens") == RENAMED and "max_tokens" in sent:
        sent[RENAMED] = sent.pop("max_tokens")
    if settings.get("seed") == SHORT and "seed" in sent:
        sent["seed"] %= 2**31
    if settings.get("system") == JOINED and "messages" in sent:
        sent["messages"] = without_system(sent["messages"])
    if "top_logprobs" in settings and "top_logprobs" in sent:
        sent["top_logprobs"] = settings["top_logprobs"]
    for name in ("seed", "top_p", "temperature"):
        if settings.get(name) == LEFT_OUT:
            sent.pop(name, None)
    return sent


def adapt(settings: Settings, payload: Payload, words: str) -> Settings | None:
    """The settings after a refusal in these words of the endpoint's own; None where it names nothing that could be sent otherwise.

    A temperature is left out only where it is 1, which is what endpoints take without it; another is never changed.
    """
    sent = adapted(payload, settings)
    named = {name for name in sent if re.search(rf"\b{name}\b", words)}
    if "max_tokens" in sent and (RENAMED in words or ("max_tokens" in named and UNKNOWN.search(words))):
        return settings | {"max_tokens": RENAMED}
    if "seed" in named:
        return settings | {"seed": SHORT if sent["seed"] >= 2**31 else LEFT_OUT}
    if "top_logprobs" in named and sent["top_logprobs"] > 1:
        return settings | {"top_logprobs": _fewer(sent["top_logprobs"], words)}
    if "top_p" in named:
        return settings | {"top_p": LEFT_OUT}
    if "temperature" in named and sent["temperature"] == 1:
        return settings | {"temperature": LEFT_OUT}
    has_system = any(message["role"] == "system" for message in sent.get("messages", []))
    return settings | {"system": JOINED} if has_system and NO_SYSTEM.search(words) else None


def _fewer(asked: int, words: str) -> int:
    """The largest number below `asked` that a refusal names, else half of it."""
    return max((n for n in map(int, re.findall(r"\b\d{1,2}\b", words)) if 0 < n < asked), default=asked // 2)


def settings_path(config: EngineConfig, model: str) -> Path:
    """Where the settings of a model at an address are kept, beside its answers."""
    return Path(config.answers) / f"settings-{digest([config.base_url, model])[:16]}.json"


def load_settings(config: EngineConfig, model: str) -> Settings:
    """What was learnt before; nothing where nothing was, or where it cannot be read."""
    try:
        found = json.loads(settings_path(config, model).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def save_settings(config: EngineConfig, model: str, settings: Settings) -> None:
    """Keep the settings for the next session, other workers, and the run's record."""
    path = settings_path(config, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings), encoding="utf-8")
