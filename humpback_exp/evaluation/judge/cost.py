"""What a judge behind an endpoint will cost, said before it is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from humpback_exp.config import JudgeConfig
from humpback_exp.config.planning import SizesConfig
from humpback_exp.planning.generation import Requests
from humpback_exp.planning.requests import MARKS
from humpback_exp.prompts import Conversation

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Of a million tokens, in the currency of the price file."""

    input: float
    output: float


def read_prices(path: str, model: str) -> Prices:
    """The prices of a model.

    Raises:
        ValueError: the file cannot be read, or has no two prices for the model.
    """
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        prices = Prices(float(found[model]["input"]), float(found[model]["output"]))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        prices = Prices(-1.0, -1.0)
    if not (prices.input >= 0 and prices.output >= 0):
        raise ValueError(f"judge.prices={path}: has no prices of {model}; write '{model}: {{input: 30, output: 60}}'")
    return prices


def requests_of(conversations: Sequence[Conversation], config: JudgeConfig) -> Requests:
    """The questions as requests; a token is about 3.8 characters (`SizesConfig.chars_per_token`)."""
    chars = [sum(len(turn["content"]) for turn in conversation) for conversation in conversations] or [0]
    tokens = [count / SizesConfig().chars_per_token + MARKS for count in chars]
    writes = 1 if config.verdict == "choice" else config.generation.max_new_tokens
    return Requests(len(conversations), sum(tokens) / len(tokens), int(max(tokens)), writes)


def told(requests: Requests, prices: Prices | None) -> str:
    """Requests, tokens and money in words."""
    read, written = requests.count * requests.prompt, requests.count * requests.writes
    words = f"{requests.count:,} requests, about {read:,.0f} tokens read and at most {written:,} written"
    if prices is None:
        return f"{words}; set judge.prices= to have the money told, too"
    money = (read * prices.input + written * prices.output) / MILLION
    return f"{words}, at most about {money:,.2f} in the currency of judge.prices"
