"""The reference engine: transformers' models with batches and a cache of our own."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import torch

from humpback_exp.completions import OVERFLOW, Completion
from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.tokenize import IGNORED, encode, prompt_ids
from humpback_exp.inference.choices import Ids, tokenize_choices
from humpback_exp.inference.protocol import completion
from humpback_exp.inference.transformers.cached_attention import NAME
from humpback_exp.inference.transformers.decode import BatchDecoder, Row, read_and_continued
from humpback_exp.inference.transformers.fused_llama import fuse
from humpback_exp.inference.transformers.kv_cache import Prefix
from humpback_exp.inference.transformers.prefill import (
    in_batches,
    last_positions,
    read,
    read_prefix,
    shared_length,
    within_memory,
)
from humpback_exp.modeling.kernels.loss import token_losses
from humpback_exp.modeling.load import load_model, load_tokenizer
from humpback_exp.modeling.memory import FreedMemory
from humpback_exp.modeling.reference import compared, probe, require_librarys_logits
from humpback_exp.planning.context import context_of
from humpback_exp.progress import Advance
from humpback_exp.prompts import Conversation


class TransformersEngine:
    """Runs a model folder in this process. See `Engine` for what the methods return."""

    def __init__(self, config: EngineConfig, model_path: str, key: str, template: str | None = None) -> None:
        if config.device != "cpu" and not torch.cuda.is_available():
            raise ValueError(
                f"engine.device={config.device}: this machine has no GPU that torch sees; use engine.device=cpu"
            )
        self.memory = FreedMemory() if config.device == "cpu" else None
        self.tokenizer = load_tokenizer(model_path, template, key)
        self.model = load_model(model_path, config.dtype, key).to(config.device)
        self.model.set_attn_implementation(NAME)
        fuse(self.model)
        self.context = context_of(self.model.config.get_text_config().to_dict()) or math.inf
        self.size = config.batch_size
        self.half = config.dtype == "bfloat16"
        self.unchecked = f"{key}={model_path}"

    @torch.inference_mode()
    def generate(
        self, conversations: Sequence[Conversation], sampling: GenerationConfig, seeds: Sequence[int], advance: Advance
    ) -> list[Completion]:
        prompts = [prompt_ids(self.tokenizer, conversation) for conversation in conversations]
        done = [Completion("", 0, OVERFLOW) for _ in prompts]
        left = self._fitting(prompts, sampling.max_new_tokens, advance)
        self._prepare(left.values())
        start = shared_length(list(left.values()))

        def work(size: int) -> None:
            rows = [Row(i, ids, np.random.Generator(np.random.PCG64(seeds[i]))) for i, ids in left.items()]
            prefix = read_prefix(self.model, rows[0].prompt[:start])
            batch = BatchDecoder(self.model, prefix, start, sampling, self.tokenizer.eos_token_id)
            for row in batch.run(rows, size):
                done[row.index] = completion(self.tokenizer, row.written)
                del left[row.index]
                advance(1, len(row.prompt) + len(row.written))

        if left:
            self.size = within_memory(self.size, work)
        return done

    @torch.inference_mode()
    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        asked = zip(conversations, targets, strict=True)
        rows = [encode(self.tokenizer, conversation, target, "") for conversation, target in asked]
        done = [(float("nan"), 0)] * len(rows)
        fitting = self._fitting([row.ids for row in rows], 0, advance)
        self._prepare(fitting.values())
        start = shared_length([ids[: -rows[i].label_count] for i, ids in fitting.items()])

        def use(batch: list[int], prefix: Prefix) -> None:
            hidden = read(self.model.get_decoder(), [fitting[i] for i in batch], start, prefix.before)
            labels = [label for i in batch for label in [*rows[i].labels[start + 1 :], IGNORED]]
            losses = token_losses(self.model, hidden, torch.tensor(labels, device=hidden.device))
            for i, part in zip(batch, losses.split([len(fitting[i]) - start for i in batch]), strict=True):
                done[i] = (float(part.sum()), rows[i].label_count)
            advance(len(batch), sum(len(fitting[i]) for i in batch))

        self.size = in_batches(self.model, fitting, start, self.size, use)
        return done

    @torch.inference_mode()
    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], assistant_prefix: str, advance: Advance
    ) -> list[list[float]]:
        tokens = tokenize_choices(self._encode, choices, assistant_prefix)
        prefixes, vocabulary = tokens.prefixes(), tokens.vocabulary()
        prompts = [[*prompt_ids(self.tokenizer, conversation), *tokens.shared] for conversation in conversations]
        fitting = self._fitting(prompts, 1 + max(map(len, prefixes)), advance)
        self._prepare(fitting.values())
        start = shared_length(list(fitting.values()))
        found: dict[tuple[int, Ids], dict[int, float]] = {}

        def use(batch: list[tuple[int, Ids]], prefix: Prefix) -> None:
            asked = [rows[place] for place in batch]
            ends = last_positions([len(row) - start for row in asked], [len(ids) + 1 for _, ids in batch])
            logits = read(self.model, asked, start, prefix.before, logits_to_keep=torch.tensor(ends))
            probabilities = torch.softmax(logits.float(), -1)[:, vocabulary].nan_to_num(0.0).tolist()
            places = [(i, ids[:depth]) for i, ids in batch for depth in range(len(ids) + 1)]
            for place, row in zip(places, probabilities, strict=True):
                found[place] = dict(zip(vocabulary, row, strict=True))
            advance(sum(ids == prefixes[0] for _, ids in batch), sum(map(len, asked)))

        def probabilities_of(i: int) -> list[float]:
            return tokens.probabilities(lambda ids, token: found[i, ids][token])

        rows = {(i, prefix): [*ids, *prefix] for i, ids in fitting.items() for prefix in prefixes}
        self.size = in_batches(self.model, rows, start, self.size, use)
        return [probabilities_of(i) if i in fitting else [float("nan")] * len(choices) for i in range(len(prompts))]

    def _prepare(self, rows: Collection[list[int]]) -> None:
        """Bound what freed memory holds; raise unless two of the first rows get the logits of transformers' own forward."""
        if self.memory is not None:
            self.memory.bound()
        if not self.unchecked or not rows:
            return
        pair = probe(self.model, list(rows))

        def ours() -> torch.Tensor:
            return read_and_continued(self.model, pair, list(map(compared, pair)))

        told: dict[str, Any] = {"half": self.half, "what": self.unchecked, "remedy": "use engine=vllm"}
        within_memory(1, lambda _: require_librarys_logits(self.model, pair, ours, **told))
        self.unchecked = ""

    def _fitting(self, rows: Sequence[list[int]], room: int, advance: Advance) -> dict[int, list[int]]:
        """The rows that leave `room` in the context, by index; the others are done at once."""
        fitting = {i: ids for i, ids in enumerate(rows) if len(ids) + room <= self.context}
        advance(len(rows) - len(fitting), sum(map(len, rows)) - sum(map(len, fitting.values())))
        return fitting

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False)["input_ids"]
