"""Llamas with random weights in the exact shapes of real ones, made where they are used: nothing of 13 GB travels."""

from dataclasses import dataclass
from pathlib import Path

import torch

from humpback_exp.config import ModelConfig
from humpback_exp.modeling.load import load_tokenizer
from humpback_exp.planning.model_shape import Shape, shape_of

CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Size:
    """A shape by its name."""

    name: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    vocabulary: int = 32000
    longest: int = 2048
    """Tokens of an example in training."""

    def config(self, path: str = "") -> ModelConfig:
        return ModelConfig(
            path=path, template="inst", dropout=0.0, layers=self.layers, hidden=self.hidden, heads=self.heads,
            kv_heads=self.heads, intermediate=self.intermediate, vocabulary=self.vocabulary, context=CONTEXT,
        )  # fmt: skip

    @property
    def shape(self) -> Shape:
        return shape_of(self.config())


LLAMA = [
    Size("LLaMA 7B", 32, 4096, 11008, 32),
    Size("a Llama of 3B", 26, 3200, 8640, 32),
    Size("a Llama of 1B", 22, 2048, 5632, 32),
]
"""From the largest: LLaMA's own (arXiv 2302.13971), and the shapes of OpenLLaMA 3B and TinyLlama with all heads alike."""
TINY = [Size("a tiny Llama", 2, 64, 128, 4, vocabulary=1024, longest=64)]


def make(size: Size, folder: Path, tokenizer: str, device: str) -> str:
    """The folder of a random model of this size in bfloat16, made on first use; its tokenizer is the one at `tokenizer`."""
    from transformers import LlamaConfig, LlamaForCausalLM

    path = folder / size.name.replace(" ", "-")
    if path.exists():
        return str(path)
    config = LlamaConfig(
        vocab_size=size.vocabulary, hidden_size=size.hidden, intermediate_size=size.intermediate,
        num_hidden_layers=size.layers, num_attention_heads=size.heads, num_key_value_heads=size.heads,
        max_position_embeddings=CONTEXT, tie_word_embeddings=False, bos_token_id=0, eos_token_id=1, pad_token_id=1,
        dtype="bfloat16",
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(torch.float32)
    scratch = path.with_suffix(".tmp")
    model.save_pretrained(scratch)
    load_tokenizer(tokenizer, "inst").save_pretrained(scratch)
    scratch.replace(path)
    return str(path)
