"""vLLM in this process: continuous batching, a cache of shared prefixes, one copy of the model.

Prompts are rendered and tokenized by us and answers decoded by us, so the text is that of the reference engine. A bulk step
with several workers runs one engine in each; only `tensor_parallel` makes vLLM start processes of its own.
"""

import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.tokens import prompt_ids, target_ids
from humpback_exp.inference.choices import spellings
from humpback_exp.inference.engine import Advance, Completion
from humpback_exp.prompts import Conversation

SETTINGS = {
    "TORCH_CPP_LOG_LEVEL": "ERROR",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}
"""Environment that vLLM and torch read when they are imported, unless the user set it: quiet, no reports to vLLM's makers,
the scheduler in this process, where a kill leaves nothing behind and workers of a pool may run it."""

OUR_NAMES = {
    "`gpu_memory_utilization` (which also controls CPU memory on the CPU backend)": "engine.gpu_share (engine.cache_gib on a CPU)",
    "gpu_memory_utilization": "engine.gpu_share",
    "--kv-cache-memory-bytes, VLLM_CPU_KVCACHE_SPACE": "engine.cache_gib",
    "`max_model_len`": "engine.context",
    "max_model_len": "engine.context",
}
"""Settings in vLLM's messages -> the config keys that set them."""

Request = tuple[list[int], Any]
"""Prompt ids and vLLM's SamplingParams."""


class VllmEngine:
    """Runs a model folder or Hub id. See `Engine` for what the methods return."""

    def __init__(self, config: EngineConfig, model_path: str, key: str, template: str | None = None) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        from humpback_exp.modeling.load import load_tokenizer  # imports torch

        self.tokenizer = load_tokenizer(model_path, template, key)
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of torch, about vLLM's own code
            self.llm = _load(config, model_path, key)
        self.context = int(self.llm.model_config.max_model_len)

    def generate(
        self, conversations: Sequence[Conversation], sampling: GenerationConfig, seeds: Sequence[int], advance: Advance
    ) -> list[Completion]:
        from vllm import SamplingParams

        end = self.tokenizer.eos_token_id
        prompts = [prompt_ids(self.tokenizer, conversation) for conversation in conversations]
        fitting = {
            row: (
                prompt,
                SamplingParams(
                    temperature=sampling.temperature,
                    top_p=sampling.top_p,
                    seed=seed % 2**63,  # torch's generators take 63 bits
                    max_tokens=sampling.max_new_tokens,
                    stop_token_ids=[end],
                    detokenize=False,
                ),
            )
            for row, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True))
            if len(prompt) + sampling.max_new_tokens <= self.context
        }
        advance(len(prompts) - len(fitting), 0)
        done = self._run(fitting, advance)
        return [
            self._completion(list(done[row].outputs[0].token_ids)) if row in done else Completion("", 0, "overflow")
            for row in range(len(prompts))
        ]

    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        """See `Engine`. The last token is read as the one written next, so that a row may fill the whole context."""
        from vllm import SamplingParams

        pairs = [
            (prompt_ids(self.tokenizer, conversation), target_ids(self.tokenizer, target))
            for conversation, target in zip(conversations, targets, strict=True)
        ]
        fitting = {
            row: (
                [*prompt, *target[:-1]],
                SamplingParams(
                    max_tokens=1, temperature=0, prompt_logprobs=0, logprob_token_ids=target[-1:], detokenize=False
                ),
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
        self, conversations: Sequence[Conversation], choices: Sequence[str], opening: str, advance: Advance
    ) -> list[list[float]]:
        """See `Engine`. A prefix at which spellings part is one request; those of a row share its cached prompt."""
        from vllm import SamplingParams

        spelled = spellings(lambda text: self.tokenizer(text, add_special_tokens=False)["input_ids"], choices, opening)
        followers = spelled.followers()
        longest = len(spelled.shared) + max(map(len, followers))
        prompts = [prompt_ids(self.tokenizer, conversation) for conversation in conversations]
        fitting = {
            (row, prefix): (
                [*prompt, *spelled.shared, *prefix],
                SamplingParams(max_tokens=1, temperature=0, logprob_token_ids=tokens, detokenize=False),
            )
            for row, prompt in enumerate(prompts)
            if len(prompt) + longest < self.context
            for prefix, tokens in followers.items()
        }
        advance(len(prompts) - len(fitting) // len(followers), 0)
        done = self._run(fitting, lambda rows, tokens: advance(0, tokens))
        found: list[list[float]] = []
        for row in range(len(prompts)):
            if (row, ()) in done:
                told = {prefix: _next(done[row, prefix]) for prefix in followers}
                found.append(spelled.probabilities(told))
                advance(1, 0)
            else:
                found.append([float("nan")] * len(choices))
        return found

    def _run(self, requests: Mapping[Any, Request], advance: Advance) -> dict[Any, Any]:
        """Key -> finished output. The cache is emptied before, so that a call gives the same whatever ran before it."""
        self.llm.reset_prefix_cache()
        keys, done = list(requests), {}
        engine = self.llm.llm_engine
        for number, (ids, params) in enumerate(requests.values()):
            params.output_kind = _final()
            engine.add_request(str(number), {"type": "token", "prompt_token_ids": ids}, params)
        while engine.has_unfinished_requests():
            for output in engine.step():
                if output.finished:
                    done[keys[int(output.request_id)]] = output
                    advance(1, len(output.prompt_token_ids) + len(output.outputs[0].token_ids))
        return done

    def _completion(self, ids: list[int]) -> Completion:
        finish = "stop" if ids and ids[-1] == self.tokenizer.eos_token_id else "length"
        return Completion(self.tokenizer.decode(ids, skip_special_tokens=True).strip(), len(ids), finish)


def _load(config: EngineConfig, model_path: str, key: str) -> Any:
    """vLLM's `LLM` with the model in it; what it refuses becomes one line."""
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)  # which a CPU does without
    import vllm
    from vllm.platforms import current_platform

    if current_platform.is_cpu() != (config.device == "cpu"):
        built = "CPUs; use engine.device=cpu" if current_platform.is_cpu() else "GPUs; use engine.device=cuda"
        raise ValueError(f"engine.device={config.device}: the vLLM installed here is built for {built}")
    memory: dict[str, Any] = {"gpu_memory_utilization": config.gpu_share}
    if config.device == "cpu":
        memory = {"kv_cache_memory_bytes": int(config.cache_gib * 2**30), "enforce_eager": True}
    try:
        return vllm.LLM(
            model=model_path,
            skip_tokenizer_init=True,
            generation_config="vllm",  # nothing from the model's folder: sampling is what the config says
            dtype=config.dtype,
            max_model_len=config.context,
            max_num_seqs=config.batch_size,
            tensor_parallel_size=config.tensor_parallel,
            enable_prefix_caching=True,
            disable_log_stats=True,
            use_tqdm_on_load=False,
            **memory,
        )
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{key}={model_path}: vLLM cannot run it here: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The first sentences of vLLM's message in one line, with our names for its settings."""
    text = " ".join(str(error).split())
    for theirs, ours in OUR_NAMES.items():
        text = text.replace(theirs, ours)
    return text[:300].rsplit(". ", 1)[0]


def _final() -> Any:
    """Only whole answers are handed over, not every token."""
    from vllm.sampling_params import RequestOutputKind

    return RequestOutputKind.FINAL_ONLY


def _next(output: Any) -> dict[int, float]:
    """Log-probabilities of the tokens asked for at the first place written."""
    return {token: entry.logprob for token, entry in output.outputs[0].logprobs[0].items()}


def _loss(output: Any, prompt: int, target: Sequence[int]) -> float:
    """Summed negative log-likelihood of the target that begins at `prompt`, its last token being the one written next."""
    read = zip(output.prompt_logprobs[prompt:], target[:-1], strict=True)
    return -(sum(entries[token].logprob for entries, token in read) + _next(output)[target[-1]])
