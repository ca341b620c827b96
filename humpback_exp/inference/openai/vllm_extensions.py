"""What vLLM's server offers beyond OpenAI's API: its tokenizer, completions of ids, log-probabilities of given tokens.

Prompts are rendered by the server's template and read back as ids, targets and choices put behind them as ids.
"""

import math
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from humpback_exp.data.tokenize import without
from humpback_exp.inference.choices import Ids, tokenize_choices
from humpback_exp.inference.openai.client import Endpoint
from humpback_exp.inference.openai.errors import not_supported
from humpback_exp.progress import Advance
from humpback_exp.prompts import Conversation

MARKS = re.compile(r"<\|[^<>|]{1,40}\|>|<(?:start|end)_of_turn>|</?s>|\[/?INST\]|\[/?SYS\]|<</?SYS>>")
"""What marks a turn in the templates of current models; text from outside is sent without it, as `neutral` does where the
tokenizer is at hand."""


class VllmServer:
    """An endpoint that is one. See `Engine` for what `losses` and `choose` return."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.tokenizer_url = f"{str(endpoint.config.base_url).rstrip('/').removesuffix('/v1')}/tokenize"

    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        """As in `VllmEngine`, the last token is read as the one written next."""
        prompts = self._prompts(conversations)
        wanted = [[*ids, self.end] for ids in self.tokenize([without(MARKS, target) for target in targets])]
        payloads = [
            self._scored([*prompt, *ids[:-1]], ids[-1:]) | {"prompt_logprobs": 0}
            for prompt, ids in zip(prompts, wanted, strict=True)
        ]

        def read(row: int, answer: Any) -> float:
            choice, ids = answer["choices"][0], wanted[row]
            places = zip(choice["prompt_logprobs"][len(prompts[row]) :], ids[:-1], strict=True)
            return -math.fsum(
                [*(place[str(token)]["logprob"] for place, token in places), *_logprobs(answer, ids[-1:])]
            )

        done = self.endpoint.ask("/completions", payloads, read, advance)
        return [
            (loss, len(ids)) if loss is not None else (float("nan"), 0) for loss, ids in zip(done, wanted, strict=True)
        ]

    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], assistant_prefix: str, advance: Advance
    ) -> list[list[float]]:
        texts = [assistant_prefix + gap + choice for choice in choices for gap in ("", " ")]
        encode = dict(zip(texts, self.tokenize(texts), strict=True)).__getitem__
        tokens = tokenize_choices(encode, choices, assistant_prefix)
        asked = tokens.next_tokens()
        places = [(row, prefix) for row in range(len(conversations)) for prefix in asked]
        prompts = self._prompts(conversations)
        payloads = [self._scored([*prompts[row], *tokens.shared, *prefix], asked[prefix]) for row, prefix in places]

        def read(place: int, answer: Any) -> list[tuple[int, float]]:
            ids = asked[places[place][1]]
            return list(zip(ids, _logprobs(answer, ids), strict=True))

        done = self.endpoint.ask("/completions", payloads, read, lambda rows, tokens: advance(0, tokens))
        advance(len(conversations), 0)
        logprobs: list[dict[Ids, dict[int, float]]] = [{} for _ in conversations]
        for (row, prefix), reading in zip(places, done, strict=True):
            if reading is not None:
                logprobs[row][prefix] = dict(reading)
        return [
            tokens.from_logprobs(found) if len(found) == len(asked) else [float("nan")] * len(choices)
            for found in logprobs
        ]

    def check(self) -> None:
        """Raise NotSupported unless the endpoint tokenizes as vLLM's server does, which also tells `max_model_len`."""

        def read(_: int, answer: Any) -> None:
            if not isinstance(answer, dict) or not answer.get("tokens") or "max_model_len" not in answer:
                raise not_supported("no tokens as vLLM's server does")

        self.endpoint.fetch(self.tokenizer_url, [{"model": self.endpoint.model, "prompt": "a"}], read)

    @cached_property
    def end(self) -> int:
        """The token that ends a turn: what the server's template puts behind an assistant's message."""
        messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}]
        turn: dict[str, Any] = {"messages": messages, "add_generation_prompt": False}
        closed, begun = self._ids([turn, turn | {"continue_final_message": True}])
        if closed[: len(begun)] != begun or len(closed) == len(begun):
            raise self.endpoint.unable("no token that ends a turn of its chat template")
        return closed[len(begun)]

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of texts, without begin and end tokens."""
        return self._ids([{"prompt": text, "add_special_tokens": False} for text in texts])

    def _prompts(self, conversations: Sequence[Conversation]) -> list[list[int]]:
        return self._ids([{"messages": safe(conversation)} for conversation in conversations])

    def _ids(self, asked: Sequence[dict[str, Any]]) -> list[list[int]]:
        payloads = [{"model": self.endpoint.model} | payload for payload in asked]
        return self.endpoint.fetch(self.tokenizer_url, payloads, lambda _, answer: answer["tokens"])

    def _scored(self, ids: list[int], tokens: list[int]) -> dict[str, Any]:
        """A request for the log-probabilities of `tokens` behind `ids`."""
        return {
            "model": self.endpoint.model,
            "prompt": ids,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": len(tokens),
            "logprob_token_ids": tokens,
            "return_tokens_as_token_ids": True,
        }


def safe(conversation: Conversation) -> Conversation:
    """The conversation without strings that would end a turn."""
    return [{**message, "content": without(MARKS, message["content"])} for message in conversation]


def _logprobs(answer: Any, tokens: Sequence[int]) -> list[float]:
    """Log-probability of each of `tokens` at the first place written, from keys such as `token_id:17`."""
    top = answer["choices"][0]["logprobs"]["top_logprobs"][0]
    if not {f"token_id:{token}" for token in tokens} <= top.keys():
        raise not_supported("no log-probabilities of the tokens in logprob_token_ids, as vLLM's current server does")
    return [float(top[f"token_id:{token}"]) for token in tokens]
