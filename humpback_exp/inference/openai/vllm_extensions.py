"""What vLLM's server offers beyond OpenAI's API: its tokenizer, completions of ids, log-probabilities of given tokens.

Prompts are rendered by the server's template and read back as ids, targets and choices put behind them as ids.
"""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from humpback_exp.inference.choices import Ids, tokenize_choices
from humpback_exp.inference.openai.client import Endpoint
from humpback_exp.inference.openai.errors import not_supported
from humpback_exp.inference.openai.vllm_responses import logprobs_of, loss_of, probabilities_of
from humpback_exp.progress import Advance
from humpback_exp.prompts import Conversation
from humpback_exp.turn_marks import Marks, marks, remove, template_marks


class VllmServer:
    """An endpoint that is one. See `Engine` for what `losses` and `choose` return."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.root = str(endpoint.config.base_url).rstrip("/").removesuffix("/v1")

    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        """As in `VllmEngine`, the last token is read as the one written next."""
        prompts = self._prompts(conversations)
        tokenized = self.tokenize([remove(target, self.marks) for target in targets])
        wanted = [[*ids, self.end] if isinstance(ids, list) else ids for ids in tokenized]
        rows = [row for row in range(len(prompts)) if isinstance(prompts[row], list) and isinstance(wanted[row], list)]
        payloads = [
            self._scored([*prompts[row], *wanted[row][:-1]], wanted[row][-1:]) | {"prompt_logprobs": 0} for row in rows
        ]

        def read(place: int, answer: Any) -> float:
            choice, prompt, ids = answer["choices"][0], prompts[rows[place]], wanted[rows[place]]
            places = zip(choice["prompt_logprobs"][len(prompt) :], ids[:-1], strict=True)
            return -math.fsum(
                [*(place[str(token)]["logprob"] for place, token in places), *logprobs_of(answer, ids[-1:])]
            )

        advance(len(prompts) - len(rows), 0)
        done = dict(zip(rows, self.endpoint.ask("/completions", payloads, read, advance), strict=True))
        return [loss_of(done.get(row, prompts[row]), wanted[row]) for row in range(len(prompts))]

    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], assistant_prefix: str, advance: Advance
    ) -> list[list[float]]:
        texts = [assistant_prefix + gap + choice for choice in choices for gap in ("", " ")]
        encode = dict(zip(texts, self.tokenize(texts, strict=True), strict=True)).__getitem__
        tokens = tokenize_choices(encode, choices, assistant_prefix)
        asked = tokens.next_tokens()
        prompts = self._prompts(conversations)
        places = [(row, prefix) for row, ids in enumerate(prompts) if isinstance(ids, list) for prefix in asked]
        payloads = [self._scored([*prompts[row], *tokens.shared, *prefix], asked[prefix]) for row, prefix in places]

        def read(place: int, answer: Any) -> list[tuple[int, float]]:
            ids = asked[places[place][1]]
            return list(zip(ids, logprobs_of(answer, ids), strict=True))

        done = self.endpoint.ask("/completions", payloads, read, lambda rows, count: advance(0, count))
        advance(len(conversations), 0)
        logprobs: list[dict[Ids, dict[int, float]]] = [{} for _ in conversations]
        missing: dict[int, Any] = dict(enumerate(prompts))
        for (row, prefix), value in zip(places, done, strict=True):
            if isinstance(value, list):
                logprobs[row][prefix] = dict(value)
            else:
                missing[row] = value
        return [
            tokens.from_logprobs(found) if len(found) == len(asked) else probabilities_of(missing[row], len(choices))
            for row, found in enumerate(logprobs)
        ]

    def check(self) -> None:
        """Raise NotSupported unless the endpoint tokenizes as vLLM's server does, which also tells `max_model_len`."""

        def read(_: int, answer: Any) -> None:
            if not isinstance(answer, dict) or not answer.get("tokens") or "max_model_len" not in answer:
                raise not_supported("no tokens as vLLM's server does")

        self._fetch("/tokenize", [{"prompt": "a"}], read, strict=True)

    @cached_property
    def marks(self) -> Marks:
        """The marks of turns in the server's own template, beside those of known families."""
        return marks(template_marks(self._render))

    def _render(self, conversation: Sequence[dict[str, str]], begun: bool) -> str:
        """The conversation as the server's template renders it; nothing where it refuses it."""
        payload = {"messages": conversation, "add_generation_prompt": begun}
        try:
            ids = self._ids([payload], strict=True)
            (text,) = self._fetch("/detokenize", [{"tokens": ids[0]}], lambda _, answer: answer["prompt"], strict=True)
        except ValueError:
            return ""
        return str(text)

    @cached_property
    def end(self) -> int:
        """The token that ends a turn: what the server's template puts behind an assistant's message."""
        messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}]
        turn: dict[str, Any] = {"messages": messages, "add_generation_prompt": False}
        closed, begun = self._ids([turn, turn | {"continue_final_message": True}], strict=True)
        if closed[: len(begun)] != begun or len(closed) == len(begun):
            raise self.endpoint.not_supported("no token that ends a turn of its chat template")
        return int(closed[len(begun)])

    def tokenize(self, texts: Sequence[str], strict: bool = False) -> list[Any]:
        """Ids of texts, without begin and end tokens."""
        return self._ids([{"prompt": text, "add_special_tokens": False} for text in texts], strict)

    def _prompts(self, conversations: Sequence[Conversation]) -> list[Any]:
        return self._ids([{"messages": safe(conversation, self.marks)} for conversation in conversations])

    def _ids(self, asked: Sequence[dict[str, Any]], strict: bool = False) -> list[Any]:
        """Ids of each; for a row that was given up what stands for its answer in `Endpoint.ask`."""
        return self._fetch("/tokenize", asked, lambda _, answer: answer["tokens"], strict)

    def _fetch(self, path: str, asked: Sequence[dict[str, Any]], read: Any, strict: bool) -> list[Any]:
        payloads = [{"model": self.endpoint.model} | payload for payload in asked]
        return self.endpoint.fetch(self.root + path, payloads, read, strict)

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


def safe(conversation: Conversation, marks: Marks) -> Conversation:
    """The conversation without strings that would end a turn."""
    return [{**message, "content": remove(message["content"], marks)} for message in conversation]
