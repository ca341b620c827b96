"""vLLM in this process: continuous batching, a cache of shared prefixes, one copy of the model.

Prompts are rendered and tokenized by us and answers decoded by us, so the text is that of the reference engine. A bulk step
with several workers runs one engine in each; only `tensor_parallel` makes vLLM start processes of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from humpback_exp.completions import OVERFLOW, Completion
from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.tokenize import prompt_ids, target_ids
from humpback_exp.inference.choices import tokenize_choices
from humpback_exp.inference.protocol import completion
from humpback_exp.inference.vllm.load import load_vllm, set_environment
from humpback_exp.progress import Advance
from humpback_exp.prompts import Conversation

Request = tuple[list[int], Any]
"""Prompt ids and vLLM's SamplingParams."""


class VllmEngine:
    """Runs a model folder or Hub id. See `Engine` for what the methods return."""

    def __init__(self, config: EngineConfig, model_path: str, key: str, template: str | None = None) -> None:
        set_environment()
        from humpback_exp.modeling.load import load_tokenizer  # imports torch

        self.tokenizer = load_tokenizer(model_path, template, key)
        self.llm = load_vllm(config, model_path, key)
        self.context = int(self.llm.model_config.max_model_len)

    def generate(
        self, conversations: Sequence[Conversation], sampling: GenerationConfig, seeds: Sequence[int], advance: Advance
    ) -> list[Completion]:
        end = self.tokenizer.eos_token_id
        prompts = [prompt_ids(self.tokenizer, conversation) for conversation in conversations]
        fitting = {
            row: (
                prompt,
                _params(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    seed=seed % 2**63,  # torch's generators take 63 bits
                    max_tokens=sampling.max_new_tokens,
                    stop_token_ids=[end],
                ),
            )
            for row, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True))
            if len(prompt) + sampling.max_new_tokens <= self.context
        }
        advance(len(prompts) - len(fitting), 0)
        done = self._run(fitting, advance)
        answers = {row: completion(self.tokenizer, list(one.outputs[0].token_ids)) for row, one in done.items()}
        return [answers.get(row) or Completion("", 0, OVERFLOW) for row in range(len(prompts))]

    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        """See `Engine`. The last token is read as the one written next, so that a row may fill the whole context."""
        pairs = [
            (prompt_ids(self.tokenizer, conversation), target_ids(self.tokenizer, target))
            for conversation, target in zip(conversations, targets, strict=True)
        ]
        fitting = {
            row: (
                [*prompt, *target[:-1]],
                _params(max_tokens=1, temperature=0, prompt_logprobs=0, logprob_token_ids=target[-1:]),
            )
            for row, (prompt, target) in enumerate(pairs)
            if len(prompt) + len(target) <= self.context
        }
        advance(len(pairs) - len(fitting), 0)
        done = self._run(fitting, advance)
        return [
            (_loss(done[row], len(prompt), target), len(target)) if row in done else (float("nan"), 0)
            for row, (prompt, target) in enumerate(pairs)
        ]

    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], assistant_prefix: str, advance: Advance
    ) -> list[list[float]]:
        """See `Engine`. A prefix at which token sequences part is one request; those of a row share its cached prompt."""
        tokens = tokenize_choices(self._encode, choices, assistant_prefix)
        asked = tokens.next_tokens()
        longest = len(tokens.shared) + max(map(len, asked))
        prompts = [prompt_ids(self.tokenizer, conversation) for conversation in conversations]
        fitting = {
            (row, prefix): (
                [*prompt, *tokens.shared, *prefix],
                _params(max_tokens=1, temperature=0, logprob_token_ids=ids),
            )
            for row, prompt in enumerate(prompts)
            if len(prompt) + longest < self.context
            for prefix, ids in asked.items()
        }
        advance(len(prompts) - len(fitting) // len(asked), 0)
        done = self._run(fitting, lambda _, count: advance(0, count))
        found = [[float("nan")] * len(choices) for _ in prompts]
        for row in {row for row, _ in done}:
            found[row] = tokens.from_logprobs({prefix: _next(done[row, prefix]) for prefix in asked})
            advance(1, 0)
        return found

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]

    def _run(self, requests: Mapping[Any, Request], advance: Advance) -> dict[Any, Any]:
        """Key -> finished output. The cache is emptied before, so that a call gives the same whatever ran before it."""
        self.llm.reset_prefix_cache()
        keys, done = list(requests), {}
        engine = self.llm.llm_engine
        for number, (ids, params) in enumerate(requests.values()):
            engine.add_request(str(number), {"type": "token", "prompt_token_ids": ids}, params)
        while engine.has_unfinished_requests():
            for output in engine.step():
                if output.finished:
                    done[keys[int(output.request_id)]] = output
                    advance(1, len(output.prompt_token_ids) + len(output.outputs[0].token_ids))
        return done


def _params(**asked: Any) -> Any:
    """vLLM's SamplingParams: ids alone, and handed over as whole answers, not token by token."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(**asked, detokenize=False, output_kind=RequestOutputKind.FINAL_ONLY)


def _next(output: Any) -> dict[int, float]:
    """Log-probabilities of the tokens asked for at the first place written."""
    return {token: entry.logprob for token, entry in output.outputs[0].logprobs[0].items()}


def _loss(output: Any, prompt: int, target: Sequence[int]) -> float:
    """Summed negative log-likelihood of the target that begins at `prompt`, its last token being the one written next."""
    read = zip(output.prompt_logprobs[prompt:], target[:-1], strict=True)
    return -(sum(entries[token].logprob for entries, token in read) + _next(output)[target[-1]])
