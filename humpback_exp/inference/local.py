"""The reference engine: transformers, length-sorted left-padded batches, finished rows leave the batch."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from humpback_exp.config import EngineConfig, GenerationConfig
from humpback_exp.data.loader import collate
from humpback_exp.data.tokens import IGNORED, Tokens, encode, prompt_ids
from humpback_exp.inference.engine import Advance, Completion
from humpback_exp.inference.sampling import next_tokens
from humpback_exp.modeling.load import load_model, load_tokenizer
from humpback_exp.modeling.loss import next_token_logits, row_losses
from humpback_exp.prompts import Conversation

SHRINK = 0.75
"""A batch is cut down to its unfinished rows once they are fewer than this share of it."""


class TransformersEngine:
    """Runs a model folder in this process. See `Engine` for what the methods return."""

    def __init__(self, config: EngineConfig, model_path: str, key: str, template: str | None = None) -> None:
        if config.device != "cpu" and not torch.cuda.is_available():
            raise ValueError(
                f"engine.device={config.device}: this machine has no GPU that torch sees; use engine.device=cpu"
            )
        self.tokenizer = load_tokenizer(model_path, template, key)
        self.model = load_model(model_path, config.dtype, key).to(config.device)
        self.context = int(self.model.config.max_position_embeddings)
        self.config, self.device = config, torch.device(config.device)

    def generate(
        self, conversations: Sequence[Conversation], sampling: GenerationConfig, seeds: Sequence[int], advance: Advance
    ) -> list[Completion]:
        prompts = [prompt_ids(self.tokenizer, conversation) for conversation in conversations]
        done: dict[int, Completion] = {}
        for rows in self._batches([len(prompt) for prompt in prompts]):
            fitting = [i for i in rows if len(prompts[i]) + sampling.max_new_tokens <= self.context]
            for i in set(rows) - set(fitting):
                done[i] = Completion("", 0, "overflow")
            if fitting:
                streams = [np.random.Generator(np.random.PCG64(seeds[i])) for i in fitting]
                written = self._continue([prompts[i] for i in fitting], sampling, streams)
                done |= dict(zip(fitting, map(self._completion, written), strict=True))
            advance(len(rows), sum(len(prompts[i]) + done[i].tokens for i in rows))
        return [done[i] for i in range(len(prompts))]

    @torch.inference_mode()
    def losses(
        self, conversations: Sequence[Conversation], targets: Sequence[str], advance: Advance
    ) -> list[tuple[float, int]]:
        rows = [
            encode(self.tokenizer, conversation, target, "")
            for conversation, target in zip(conversations, targets, strict=True)
        ]
        done: dict[int, tuple[float, int]] = {}
        for batch in self._batches([len(row.ids) for row in rows]):
            fitting = [i for i in batch if len(rows[i].ids) <= self.context]
            done |= {i: (float("nan"), 0) for i in batch}
            if fitting:
                sums, counts = row_losses(self.model, self._collate([rows[i] for i in fitting]))
                done |= dict(zip(fitting, zip(sums.tolist(), counts.tolist(), strict=True), strict=True))
            advance(len(batch), sum(len(rows[i].ids) for i in batch))
        return [done[i] for i in range(len(rows))]

    @torch.inference_mode()
    def choose(
        self, conversations: Sequence[Conversation], choices: Sequence[str], opening: str, advance: Advance
    ) -> list[list[float]]:
        shared, options = self._diverging([f"{opening} {choice}".strip() for choice in choices])
        prompts = [prompt_ids(self.tokenizer, conversation) + shared for conversation in conversations]
        done: dict[int, list[float]] = {}
        for batch in self._batches([len(prompt) for prompt in prompts]):
            fitting = [i for i in batch if len(prompts[i]) < self.context]
            done |= {i: [float("nan")] * len(choices) for i in batch}
            if fitting:
                rows = [Tokens("", prompts[i], [IGNORED] * len(prompts[i])) for i in fitting]
                chances = torch.softmax(next_token_logits(self.model, self._collate(rows)), -1)[:, options]
                done |= dict(zip(fitting, chances.tolist(), strict=True))
            advance(len(batch), sum(len(prompts[i]) for i in batch))
        return [done[i] for i in range(len(prompts))]

    def _diverging(self, choices: Sequence[str]) -> tuple[list[int], list[int]]:
        """The ids all choices begin with (a word-start mark, say), and the first id in which each differs."""
        encoded = [self.tokenizer(choice, add_special_tokens=False)["input_ids"] for choice in choices]
        place = next(k for k, ids in enumerate(zip(*encoded, strict=False)) if len(set(ids)) == len(choices))
        return encoded[0][:place], [ids[place] for ids in encoded]

    def _batches(self, lengths: list[int]) -> Iterator[list[int]]:
        """Row indices in batches of alike length, the longest first so that memory peaks at once."""
        order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
        yield from (order[i : i + self.config.batch_size] for i in range(0, len(order), self.config.batch_size))

    def _collate(self, rows: list[Tokens]) -> dict[str, torch.Tensor]:
        return {name: value.to(self.device) for name, value in collate(rows, self.tokenizer.pad_token_id).items()}

    def _completion(self, ids: list[int]) -> Completion:
        finish = "stop" if ids and ids[-1] == self.tokenizer.eos_token_id else "length"
        return Completion(self.tokenizer.decode(ids, skip_special_tokens=True).strip(), len(ids), finish)

    @torch.inference_mode()
    def _continue(
        self, prompts: list[list[int]], sampling: GenerationConfig, streams: list[np.random.Generator]
    ) -> list[list[int]]:
        """Token ids written after each prompt, up to and with the end token."""
        written: list[list[int]] = [[] for _ in prompts]
        alive = list(range(len(prompts)))
        ids, mask = self._pad_left(prompts)
        cache = None
        for _ in range(sampling.max_new_tokens):
            positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
            out = self.model(
                input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
                logits_to_keep=1,
            )  # fmt: skip
            cache = out.past_key_values
            tokens = next_tokens(out.logits[:, -1], sampling, [streams[i] for i in alive])
            for i, token in zip(alive, tokens.tolist(), strict=True):
                if not self._ended(written[i]):
                    written[i].append(token)
            ids = tokens[:, None]
            mask = torch.cat([mask, mask.new_ones(len(alive), 1)], 1)
            kept = [k for k, i in enumerate(alive) if not self._ended(written[i])]
            if not kept:
                break
            if len(kept) < SHRINK * len(alive):
                index = torch.tensor(kept, device=self.device)
                cache.batch_select_indices(index)
                alive, ids, mask = [alive[k] for k in kept], ids[index], mask[index]
        return written

    def _ended(self, ids: list[int]) -> bool:
        return bool(ids) and ids[-1] == self.tokenizer.eos_token_id

    def _pad_left(self, prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(map(len, prompts))
        ids = [[self.tokenizer.pad_token_id] * (width - len(p)) + p for p in prompts]
        mask = [[0] * (width - len(p)) + [1] * len(p) for p in prompts]
        return torch.tensor(ids, device=self.device), torch.tensor(mask, device=self.device)
