"""A written model folder against the trained model still in memory, before the folder counts as finished.

First what the disk holds: weights (`export.weights`), config, tokenizer, all equal. Then the folder as transformers loads it:
ties, logits, greedy tokens. Under ZeRO-3 every rank takes part and none ever holds more than one whole tensor, or one layer
while it computes.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path

import torch
from jinja2 import TemplateError
from transformers import AutoConfig

from humpback_exp.config import TrainConfig, TrainerConfig
from humpback_exp.data.tokenize import by_template, prompt_ids
from humpback_exp.modeling.export.logits import allowed, check_outputs, difference, logits_of, write_greedily
from humpback_exp.modeling.export.weights import check_weights, tensor_files
from humpback_exp.modeling.export.write import full_tensors
from humpback_exp.modeling.load import Model, Tokenizer, load_model, load_tokenizer
from humpback_exp.modeling.lora import causal_lm
from humpback_exp.modeling.process_group import all_gather
from humpback_exp.modeling.zero3_settings import is_zero3, partition_on_load, zero3_settings
from humpback_exp.progress import log
from humpback_exp.prompts import Conversation, backward, forward

PROMPTS = (
    forward("Name three uses of salt in a kitchen.", ["seed"]),
    forward("How do I reverse a list in Python?", ["web"]),
    forward("Why is the sky blue?", ["seed", "web"]),
    backward("Water boils at 100 degrees Celsius at sea level, and at less on a mountain."),
)
"""One of every kind a model is asked."""


def verify(model: Model, tokenizer: Tokenizer, config: TrainConfig, folder: Path, first: bool) -> dict[str, float]:
    """Compare the folder that `export` wrote with the trained model, which then holds the weights as written.

    Args:
        first: whether this is the first rank; under ZeRO-3 all ranks must call, else the others return at once.

    Returns:
        Differences of logits as a share of their spread: `export_difference` between folder and trained model with the
        weights as written, `rounding_difference` between that and the trained model as it was. Empty on a rank that
        returned at once.

    Raises:
        ValueError: they differ; on every rank alike.
    """
    together, started = is_zero3(config.trainer), time.perf_counter()
    if not (first or together):
        return {}
    with one_verdict(folder, together):
        count = check_weights(model, getattr(torch, config.model.export_dtype), folder, first)
        check_config(causal_lm(model), folder)
        rows = check_ids(tokenizer, folder)
    with one_verdict(folder, together):
        found, rounding = check_running(model, tokenizer, rows, config, folder)
    log.info(
        "export: %d tensors equal; logits and greedy tokens of %d prompts equal but for %.2g; "
        "rounding to %s moved the logits by %.2g; %.1f s",
        count, len(rows), found, config.model.export_dtype, rounding, time.perf_counter() - started,
    )  # fmt: skip
    return {"export_difference": found, "rounding_difference": rounding}


@contextmanager
def one_verdict(folder: Path, together: bool) -> Iterator[None]:
    """Refuse the folder on every rank for what any of them finds, so that none waits for another for ever."""
    fault = ""
    try:
        yield
    except (ValueError, OSError) as error:
        fault = str(error).splitlines()[0]
    if faults := list(filter(None, all_gather(fault) if together else [fault])):
        raise ValueError(
            f"{folder}: the export is not the trained model: {faults[0]}; "
            "the checkpoints are kept, the same command exports again without training"
        )


def check_config(lm: Model, folder: Path) -> None:
    """Raise unless `config.json` says what the trained model's config says."""
    written, trained = AutoConfig.from_pretrained(folder).to_dict(), lm.config.to_dict()
    for key in sorted((written.keys() | trained.keys()) - {"_name_or_path", "transformers_version"}):
        if written.get(key) != trained.get(key):
            raise ValueError(f"{key}: {written.get(key)} in config.json, {trained.get(key)} in training")


def check_ids(tokenizer: Tokenizer, folder: Path) -> list[tuple[str, list[int]]]:
    """Text and ids of `PROMPTS`; raises ValueError unless the folder's tokenizer renders them as in training."""
    theirs, rows = load_tokenizer(str(folder), key="export"), []
    for prompt in PROMPTS:
        text, written, trained = prompt[-1]["content"], template_ids(theirs, prompt), template_ids(tokenizer, prompt)
        for place, (a, b) in enumerate(zip_longest(written, trained)):
            if a != b:
                raise ValueError(f"prompt '{text}': token {place} is {a} by the folder's tokenizer, {b} in training")
        rows.append((text, prompt_ids(tokenizer, prompt)))
    return rows


def template_ids(tokenizer: Tokenizer, prompt: Conversation) -> list[int]:
    """Ids of a prompt by the template alone, as other programs render it; ours where it refuses the system turn."""
    try:
        text = by_template(tokenizer, prompt)
    except TemplateError:
        return prompt_ids(tokenizer, prompt)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def check_running(
    model: Model, tokenizer: Tokenizer, rows: list[tuple[str, list[int]]], config: TrainConfig, folder: Path
) -> tuple[float, float]:
    """Raise unless the folder as transformers loads it does on `rows` what the trained model with rounded weights does.

    Returns:
        The two differences that `verify` returns.
    """
    lm = causal_lm(model).eval()
    partitioning = partition_on_load(config.trainer) if is_zero3(config.trainer) else None
    loaded = load_written(folder, lm.dtype, config.trainer)
    check_ties(loaded, folder)
    tokens = write_greedily(loaded, tokenizer, [ids for _, ids in rows])
    del partitioning  # while it lived, transformers loaded partitioned and kept the ranks of `generate` in step
    theirs, device = logits_of(loaded, tokens), loaded.device
    del loaded  # a GPU need not hold both
    trained = logits_of(lm.to(device), tokens)
    for _ in full_tensors(model, getattr(torch, config.model.export_dtype), keep=True):
        pass
    ours = logits_of(lm, tokens)
    bound = allowed(lm.config.num_hidden_layers, lm.dtype)
    found = [
        check_outputs(text, len(ids), written, there, here, bound)
        for (text, ids), written, there, here in zip(rows, tokens, theirs, ours, strict=True)
    ]
    return max(found), max(map(difference, trained, ours))


def load_written(folder: Path, dtype: torch.dtype, trainer: TrainerConfig) -> Model:
    """The folder as transformers loads it, where it was trained; under ZeRO-3 with the hooks that gather a layer's weights."""
    model = load_model(str(folder), str(dtype).removeprefix("torch."), key="export")
    if not is_zero3(trainer):
        return model.to("cuda" if trainer.accelerator == "gpu" else "cpu")
    import deepspeed

    return deepspeed.initialize(model=model, config=zero3_settings(trainer))[0].module


def check_ties(loaded: Model, folder: Path) -> None:
    """Raise unless what is tied in the file is tied once loaded, and nothing else."""
    names, written = {name for name, _ in loaded.named_parameters()}, tensor_files(folder).keys()
    for name in sorted(names - written):
        raise ValueError(f"{name}: a weight of its own once loaded, tied to another in training")
    for name in sorted(written - names):
        raise ValueError(f"{name}: tied to another weight or unused once loaded, a weight of its own in training")
