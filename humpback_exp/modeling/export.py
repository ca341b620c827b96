"""A trained module -> a Hugging Face folder: safetensors, tokenizer with its chat template, generation config."""

from pathlib import Path

import torch
from transformers import GenerationConfig

from humpback_exp.config import ModelConfig
from humpback_exp.modeling.checkpoint import naming_a_full_disk
from humpback_exp.modeling.load import Model, Tokenizer


def export(model: Model, tokenizer: Tokenizer, config: ModelConfig, folder: Path) -> None:
    """Write the model, adapters merged in fp32 and rounded once to `config.export_dtype`.

    The generation config holds the paper's decoding: nucleus sampling, T = 0.7, p = 0.9 (section 3.1).
    """
    if hasattr(model, "peft_config"):
        model = model.float().merge_and_unload()
    model = model.to(getattr(torch, config.export_dtype))
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.7,
        top_p=0.9,
        max_length=model.config.max_position_embeddings,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with naming_a_full_disk(folder):
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
