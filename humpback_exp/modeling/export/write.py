"""A trained module -> a Hugging Face folder, tensor by tensor, so that no rank ever holds more than one shard of it.

Adapters are merged in fp32 and every weight is rounded once, to the dtype of the export. Under ZeRO-3 every rank takes
part in gathering and the first one writes. Tied weights stand once, as transformers expects.
"""

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import GenerationConfig

from humpback_exp.artifacts import write_text
from humpback_exp.config import ModelConfig
from humpback_exp.modeling.full_disk import naming_a_full_disk
from humpback_exp.modeling.load import Model, Tokenizer
from humpback_exp.modeling.lora import causal_lm

SHARD_BYTES = 2 << 30
"""A shard is written once it holds this much: what an export needs in memory beyond the model."""
INDEX = "model.safetensors.index.json"
"""Which shard holds which tensor, as transformers and vLLM read it."""


def export(model: Model, tokenizer: Tokenizer, config: ModelConfig, folder: Path, writes: bool = True) -> None:
    """Write weights, model config, generation config, and the tokenizer with its chat template.

    The generation config holds the paper's decoding: nucleus sampling, T = 0.7, p = 0.9 (section 3.1).

    Args:
        writes: whether this rank writes; all ranks must call.
    """
    dtype, lm = getattr(torch, config.export_dtype), causal_lm(model)
    lm.config.dtype, lm.config.architectures = dtype, [type(lm).__name__]
    with naming_a_full_disk(folder):
        if writes:
            remove_weights(folder)
        write_shards(full_tensors(model, dtype), folder, writes)
        if writes:
            write_configs(lm, tokenizer, folder)


def remove_weights(folder: Path) -> None:
    """Remove what an export that did not come to its end left; loaders take every weight file they find."""
    for pattern in ("*.safetensors", INDEX, ".shard-*.tmp"):
        for path in folder.glob(pattern):
            path.unlink()


def gathered(parameters: list[torch.nn.Parameter], changes: bool) -> AbstractContextManager[object]:
    """A context in which partitioned parameters are whole, and partitioned anew after it where it changes them."""
    if not hasattr(parameters[0], "ds_id"):
        return nullcontext()
    import deepspeed

    return deepspeed.zero.GatheredParameters(parameters, modifier_rank=0 if changes else None)


def full_tensors(model: Model, dtype: torch.dtype, keep: bool = False) -> Iterator[tuple[str, torch.Tensor]]:
    """Name and value of every weight as the Hugging Face model has it, adapters merged.

    Args:
        keep: whether the model takes these values as its own, its adapters zero from then on.
    """
    lm = causal_lm(model)
    adapted = {name: module for name, module in lm.named_modules() if hasattr(module, "get_delta_weight")}
    for name, parameter in lm.named_parameters():
        if ".lora_" in name:
            continue
        layer = adapted.get(name.removesuffix(".base_layer.weight"))
        adapters = [p for each, p in layer.named_parameters() if each.startswith("lora_")] if layer is not None else []
        with gathered([parameter, *adapters], keep), torch.no_grad():
            value = parameter.detach().float()
            if layer is not None:
                value = value + layer.get_delta_weight("default").float()
            value = value.to(dtype)
            if keep:
                parameter.copy_(value)
                for adapter in adapters:
                    adapter.zero_()
            yield name.replace(".base_layer", ""), value.cpu().contiguous()


def write_shards(tensors: Iterator[tuple[str, torch.Tensor]], folder: Path, writes: bool) -> None:
    """Fill shards in order, then name them `model-i-of-n.safetensors` with the index transformers reads."""
    shard: dict[str, torch.Tensor] = {}
    shards: list[list[str]] = []
    size = total = 0

    def close() -> None:
        path = folder / f".shard-{len(shards):05d}.tmp"
        save_file(shard, path, metadata={"format": "pt"})
        to_disk(path)
        shards.append(list(shard))
        shard.clear()

    for name, tensor in tensors:
        if not writes:
            continue
        if shard and size + tensor.nbytes > SHARD_BYTES:
            close()
            size = 0
        shard[name] = tensor
        size += tensor.nbytes
        total += tensor.nbytes
    if writes:
        close()
        _name_shards(shards, total, folder)


def to_disk(path: Path) -> None:
    """Flush a file and drop it from the page cache, so that whoever reads it next reads what the disk holds."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _name_shards(shards: list[list[str]], total: int, folder: Path) -> None:
    names = [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    if len(shards) == 1:
        names = ["model.safetensors"]
    umask = os.umask(0)
    os.umask(umask)
    mode = 0o666 & ~umask  # safetensors writes files that only their owner can read
    for i, name in enumerate(names):
        (folder / f".shard-{i:05d}.tmp").replace(folder / name)
        (folder / name).chmod(mode)
    if len(shards) > 1:
        where = {tensor: name for name, held in zip(names, shards, strict=True) for tensor in held}
        index = {"metadata": {"total_size": total}, "weight_map": where}
        write_text(folder / INDEX, json.dumps(index, indent=1))


def write_configs(lm: Model, tokenizer: Tokenizer, folder: Path) -> None:
    """Everything of the folder but the weights."""
    lm.config.save_pretrained(folder)
    GenerationConfig(
        do_sample=True,
        temperature=0.7,
        top_p=0.9,
        max_length=getattr(lm.config, "max_position_embeddings", None),  # some have no positions to run out of
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
