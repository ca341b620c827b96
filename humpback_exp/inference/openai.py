"""Any OpenAI-compatible endpoint as an engine. Conversations are sent as messages, so the server's own template renders them.

Text is written by any endpoint. Losses need what vLLM's server offers beyond OpenAI's API (`/tokenize`, log-probabilities of
a prompt); choices use that too where it is there, else the twenty most likely first tokens of a chat answer.
"""

import math
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from humpback_exp.artifacts import fingerprint
from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.tokens import without
from humpback_exp.inference.choices import Ids, spellings
from humpback_exp.inference.endpoint import Endpoint, NotOffered
from humpback_exp.inference.engine import Advance, Completion
from humpback_exp.prompts import Conversation

MARKS = re.compile(r"<\|[^<>|]{1,40}\|>|<(?:start|end)_of_turn>|</?s>|\[/?(?:INST|SYS)\]|<</?SYS>>")
"""What marks a turn in the templates of current models; text from outside is sent without them, as by `neutral`."""
TOP = 20
"""Most likely tokens an OpenAI chat answer tells the probabilities of, at most."""
REMEDY = "engine=transformers and engine=vllm do it for any model"


class OpenAIEngine:
    """Asks the endpoint in the config. See `Engine` for what the methods return."""

    def __init__(self, config: EngineConfig, model_path: str) -> None:
        self.model = config.model or model_path
        self.endpoint = Endpoint(config, self.model, fingerprint(model_path))
        self.tokenizer_url = f"{str(config.base_url).rstrip('/').removesuffix('/v1')}/tokenize"

    def generate(
        self, conversations: Sequence[Conversation], sampling: GenerationConfig, seeds: Sequence[int], advance: Advance
    ) -> list[Completion]:
        payloads = [
            {
                "model": self.model,
                "messages": _safe(conversation),
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_tokens": sampling.max_new_tokens,
                "seed": seed % 2**63,
            }
            for conversation, seed in zip(conversations, seeds, strict=True)
        ]
        done = self.endpoint.ask("/chat/completions", payloads, _completion, advance)
        return [Completion(*reading) if reading else Completion("", 0, "overflow") for reading in done]

    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        """See `Engine`. As in `VllmEngine`, the last token is read as the one written next.

        Raises:
            ValueError: the endpoint is not vLLM's server.
        """
        if not self.is_vllm:
            raise ValueError(f"{self._here}: tells no log-probabilities of a prompt, as vLLM's server does; {REMEDY}")
        prompts = self._prompts(conversations)
        wanted = [[*ids, self.end] for ids in self._tokenize([without(MARKS, target) for target in targets])]
        payloads = [
            self._scored([*prompt, *ids[:-1]], ids[-1:]) | {"prompt_logprobs": 0}
            for prompt, ids in zip(prompts, wanted, strict=True)
        ]

        def read(row: int, answer: Any) -> float:
            choice, ids = answer["choices"][0], wanted[row]
            places = choice["prompt_logprobs"][len(prompts[row]) :]
            told = [place[str(token)]["logprob"] for place, token in zip(places, ids[:-1], strict=True)]
            return -math.fsum([*told, _told(choice)[ids[-1]]])

        done = self.endpoint.ask("/completions", payloads, read, advance)
        return [
            (loss, len(ids)) if loss is not None else (float("nan"), 0) for loss, ids in zip(done, wanted, strict=True)
        ]

    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], opening: str, advance: Advance
    ) -> list[list[float]]:
        """See `Engine`. Away from vLLM's server a choice must be one token, and counts 0 where it is not among the first 20;
        the opening is sent as the beginning of the assistant's message, which the endpoint must take up.
        """
        if not self.is_vllm:
            return self._chosen_in_chat(conversations, choices, opening, advance)
        texts = [opening + gap + choice for choice in choices for gap in ("", " ")]
        spelled = spellings(dict(zip(texts, self._tokenize(texts), strict=True)).__getitem__, choices, opening)
        asked = [
            (row, prefix, self._scored([*prompt, *spelled.shared, *prefix], tokens))
            for row, prompt in enumerate(self._prompts(conversations))
            for prefix, tokens in spelled.followers().items()
        ]
        done = self.endpoint.ask(
            "/completions",
            [payload for _, _, payload in asked],
            lambda _, answer: list(_told(answer["choices"][0]).items()),
            lambda rows, tokens: advance(0, tokens),
        )
        told: list[dict[Ids, dict[int, float]]] = [{} for _ in conversations]
        for (row, prefix, _), reading in zip(asked, done, strict=True):
            if reading is not None:
                told[row][prefix] = dict(reading)
        advance(len(told), 0)
        whole = len(spelled.followers())
        nothing = [float("nan")] * len(choices)
        return [spelled.probabilities(found) if len(found) == whole else nothing for found in told]

    def _chosen_in_chat(
        self, conversations: Sequence[Conversation], choices: Sequence[str], opening: str, advance: Advance
    ) -> list[list[float]]:
        begun = [{"role": "assistant", "content": opening}] if opening else []
        payloads = [
            {
                "model": self.model,
                "messages": [*_safe(conversation), *begun],
                "temperature": 0,
                "max_tokens": 1,
                "logprobs": True,
                "top_logprobs": TOP,
            }
            for conversation in conversations
        ]

        def read(_: int, answer: Any) -> list[float]:
            logprobs = answer["choices"][0].get("logprobs")
            if not logprobs:
                raise NotOffered(f"{self._here}: tells no log-probabilities; {REMEDY}")
            top = logprobs["content"][0]["top_logprobs"]
            return [
                math.fsum(math.exp(entry["logprob"]) for entry in top if entry["token"].strip() == choice)
                for choice in choices
            ]

        done = self.endpoint.ask("/chat/completions", payloads, read, advance)
        return [reading if reading is not None else [float("nan")] * len(choices) for reading in done]

    @property
    def _here(self) -> str:
        return f"engine.base_url={self.endpoint.config.base_url}"

    @cached_property
    def is_vllm(self) -> bool:
        """Whether the endpoint tokenizes, as vLLM's server does."""
        try:
            self._tokenize(["a"])
        except NotOffered:
            return False
        return True

    @cached_property
    def end(self) -> int:
        """The token that ends a turn: what the server's template puts behind an assistant's message."""
        turn = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "a"}]
        closed, open_ = self._ids(
            [
                {"messages": turn, "add_generation_prompt": False},
                {"messages": turn, "add_generation_prompt": False, "continue_final_message": True},
            ]
        )
        if closed[: len(open_)] != open_ or len(closed) == len(open_):
            raise ValueError(f"{self._here}: its chat template ends a turn with no token of its own; {REMEDY}")
        return closed[len(open_)]

    def _prompts(self, conversations: Sequence[Conversation]) -> list[list[int]]:
        return self._ids([{"messages": _safe(conversation)} for conversation in conversations])

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        return self._ids([{"prompt": text, "add_special_tokens": False} for text in texts])

    def _ids(self, asked: Sequence[dict[str, Any]]) -> list[list[int]]:
        found: dict[int, list[int]] = {}
        payloads = {row: {"model": self.model} | payload for row, payload in enumerate(asked)}
        self.endpoint.fetch(
            self.tokenizer_url,
            payloads,
            lambda _, answer: answer["tokens"],
            lambda row, ids, _: found.update({row: ids}),
        )
        return [found[row] for row in range(len(asked))]

    def _scored(self, ids: list[int], tokens: list[int]) -> dict[str, Any]:
        """A request of vLLM's server for the log-probabilities of `tokens` behind `ids`."""
        return {
            "model": self.model,
            "prompt": ids,
            "max_tokens": 1,
            "temperature": 0,
            "logprobs": len(tokens),
            "logprob_token_ids": tokens,
            "return_tokens_as_token_ids": True,
        }


def _safe(conversation: Conversation) -> Conversation:
    return [{**message, "content": without(MARKS, message["content"])} for message in conversation]


def _completion(_: int, answer: Any) -> tuple[str, int, str]:
    choice, usage = answer["choices"][0], answer.get("usage") or {}
    finish = "length" if choice["finish_reason"] == "length" else "stop"
    return (choice["message"]["content"] or "").strip(), usage.get("completion_tokens", 0), finish


def _told(choice: Any) -> dict[int, float]:
    """Token -> log-probability at the first place written, from vLLM's `token_id:N` keys."""
    return {int(name.removeprefix("token_id:")): value for name, value in choice["logprobs"]["top_logprobs"][0].items()}
