"""Any OpenAI-compatible endpoint as an engine. Conversations are sent as messages, so the server's own template renders them.

Text is written by any endpoint. Losses need what vLLM's server offers beyond OpenAI's API, see `VllmServer`; choices use
that too where it is there, else the most likely first tokens of a chat answer.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from humpback_exp.artifacts import fingerprint
from humpback_exp.completions import FAILED, OVERFLOW, Completion
from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.inference.openai.client import Endpoint
from humpback_exp.inference.openai.errors import Failed, NotSupported
from humpback_exp.inference.openai.responses import read_choices, read_completion
from humpback_exp.inference.openai.vllm_extensions import VllmServer, safe
from humpback_exp.inference.openai.vllm_responses import probabilities_of
from humpback_exp.progress import Advance
from humpback_exp.prompts import Conversation
from humpback_exp.turn_marks import KNOWN, Marks

TOP = 20
"""Most likely tokens an OpenAI chat answer tells the probabilities of, at most."""


class OpenAIEngine:
    """Asks the endpoint in the config. See `Engine` for what the methods return."""

    def __init__(self, config: EngineConfig, model_path: str) -> None:
        self.model = config.model or model_path
        self.endpoint = Endpoint(config, self.model, fingerprint(model_path))
        self.refused: NotSupported | None = None

    @cached_property
    def server(self) -> VllmServer | None:
        """The endpoint as vLLM's server, if it tokenizes as that does; else `refused` says why not."""
        server = VllmServer(self.endpoint)
        try:
            server.check()
        except NotSupported as refused:
            self.refused = refused
            return None
        return server

    @cached_property
    def marks(self) -> Marks:
        """The marks of turns that text is sent without: those of the server's template, where it shows it, and known ones."""
        try:
            return self.server.marks if self.server else KNOWN
        except ValueError:  # which asking for an answer will raise again, if it matters
            return KNOWN

    def generate(
        self, conversations: Sequence[Conversation], sampling: GenerationConfig, seeds: Sequence[int], advance: Advance
    ) -> list[Completion]:
        payloads = [
            {
                "model": self.model,
                "messages": safe(conversation, self.marks),
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "max_tokens": sampling.max_new_tokens,
                "seed": seed % 2**63,
            }
            for conversation, seed in zip(conversations, seeds, strict=True)
        ]

        def read(_: int, answer: Any) -> list[Any]:
            return read_completion(answer, sampling.max_new_tokens)

        done = self.endpoint.ask("/chat/completions", payloads, read, advance)
        return [_completion(value) for value in done]

    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        """See `Engine`.

        Raises:
            ValueError: the endpoint is not vLLM's server.
        """
        if self.server is None:
            raise self.endpoint.not_supported(
                "no log-probabilities of a prompt, as vLLM's server does"
            ) from self.refused
        return self.server.losses(conversations, targets, advance)

    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], assistant_prefix: str, advance: Advance
    ) -> list[list[float]]:
        """See `Engine`. Away from vLLM's server a choice must be one token, and counts 0 where it is not among the first 20;
        the assistant_prefix is sent as the beginning of the assistant's message, which the endpoint must take up.
        """
        if self.server is not None:
            return self.server.choose(conversations, choices, assistant_prefix, advance)
        begun = [{"role": "assistant", "content": assistant_prefix}] if assistant_prefix else []
        payloads = [
            {
                "model": self.model,
                "messages": [*safe(conversation, self.marks), *begun],
                "temperature": 0,
                "max_tokens": 1,
                "logprobs": True,
                "top_logprobs": TOP,
            }
            for conversation in conversations
        ]

        def read(_: int, answer: Any) -> Any:
            found = read_choices(answer, choices)
            return found if any(found) else Failed(FAILED)  # which is not kept, so that the same call asks again

        done = self.endpoint.ask("/chat/completions", payloads, read, advance)
        return [probabilities_of(value, len(choices)) for value in done]


def _completion(value: Any) -> Completion:
    if isinstance(value, Failed):
        return Completion("", 0, value.finish)
    return Completion(*value) if value else Completion("", 0, OVERFLOW)
