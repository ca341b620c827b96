"""Our layers against the library's own, on real rows, before anything is trained or measured with them.

An export that agrees with the model it was written from says nothing of a model that was computed wrongly all along, nor
does a falling loss. So rows go through transformers' own forward pass as well, each by itself, without our kernels.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch.nn import functional

from humpback_exp.modeling.export.logits import allowed, centred, spread
from humpback_exp.modeling.load import Model, library_attention
from humpback_exp.modeling.memory import is_out_of_memory

PROBE = 96
"""Tokens of a row that are compared: a few seconds' work even for large models on a CPU, and 0.1 GB of logits of 256,000 words."""
SLACK = 2
"""Times the `allowed` rounding: other kernels, not only another order of sums."""
MAGNIFIED = 4
"""Times the `allowed` rounding that a model with large weights may magnify it to (ours: twice is the most that was measured); a
class whose two attentions differ by more is computed otherwise by one of them."""
LAST = 8
"""Last places of every row, which an engine writes token by token where it reads the others at once: judged by themselves,
since a fault of writing alone would be lost among those that are read."""
QUANTILE = 0.75
"""Share of tokens that must agree: rounding may send a few to another expert of a mixture, which moves their logits far."""


@contextmanager
def library_forward(model: Model) -> Iterator[None]:
    """Inside, the model computes by transformers' own layers and attention, with the same weights, hooks and adapters."""
    replaced = {module: module.__dict__.pop("forward") for module in model.modules() if "forward" in module.__dict__}
    attention = model.config._attn_implementation
    model.set_attn_implementation(library_attention(model))
    try:
        yield
    finally:
        model.set_attn_implementation(attention)
        for module, forward in replaced.items():
            module.forward = forward


def probe(model: Model, rows: Sequence[list[int]]) -> list[list[int]]:
    """The shortest and the longest of some rows, cut to what a comparison needs: two, so that one could see the other.

    A row that is longer than the model's attention reaches keeps twice its reach. The first is at most three quarters as long
    as the second, so that padding, where there is any, stands behind it.
    """
    config = model.config.get_text_config()
    reaches = (getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size"))
    reach = min((length for length in reaches if length), default=0)
    ordered = sorted(rows, key=len)
    short, long = (row[: 2 * reach if reach and len(row) > reach else PROBE] for row in (ordered[0], ordered[-1]))
    return [short[: max(2, len(long) * 3 // 4)], long]


def compared(row: list[int]) -> list[int]:
    """Places of a row whose logits are compared, in order: all that have a next token, or `PROBE`, of which the last are `LAST`."""
    count = len(row) - 1
    if count <= PROBE:
        return list(range(count))
    before = np.linspace(0, count - LAST - 1, PROBE - LAST).round().astype(int).tolist()
    return [*before, *range(count - LAST, count)]


def require_librarys_logits(
    model: Model, rows: Sequence[list[int]], ours: Callable[[], torch.Tensor], half: bool, what: str, remedy: str
) -> None:
    """Raise unless our way of computing `model` gives the logits that the library's gives.

    Args:
        rows: token ids of each row.
        ours: gives the logits after the `compared` places of each row, one row after the other [places, vocabulary].
        half: whether matrix products are computed in bfloat16.
        what: the config key and path of the model, for the message.
        remedy: what to do, for the message.

    Raises:
        ValueError: they differ beyond rounding, ours cannot be computed at all, or the model sees tokens that it is to predict.
    """
    targets = torch.tensor([row[place + 1] for row in rows for place in compared(row)])
    with library_forward(model):
        theirs = torch.cat([_logits(model, row) for row in rows])
        otherwise = _logits(model, _ending_otherwise(model, rows[-1]))
    if not bool(theirs.isfinite().all()):
        return  # a model that has diverged is told by what it is used for
    rounding = allowed(model.config.get_text_config().num_hidden_layers, torch.bfloat16 if half else torch.float32)
    bound = rounding * spread(theirs)
    before = sum(place < len(rows[-1]) // 2 for place in compared(rows[-1]))
    if _distances(otherwise, theirs[-len(otherwise) :])[:before].quantile(QUANTILE) > SLACK * bound:
        raise ValueError(
            f"{what}: {type(model).__name__} sees the tokens behind the one that it is asked about, as its config.json sets it "
            "up; choose a base model that reads from left to right"
        )
    name, loss = type(model).__name__, float(functional.cross_entropy(theirs, targets))
    told = f"by transformers' own forward pass of {name}; {remedy}"
    try:
        found = ours().float().cpu()
    except Exception as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [""])[0]
        raise ValueError(
            f"{what}: our layers fail ({type(error).__name__}: {reason}) where the loss is {loss:.5f} {told}"
        ) from error
    off = _distances(found, theirs)
    lasts = [part[-LAST:].median() for part in off.split([len(compared(row)) for row in rows])]
    most = torch.stack([off.quantile(QUANTILE), *lasts]).max()
    within = most <= SLACK * bound
    if half and not within:
        within = most <= SLACK * min(_own_rounding(model, rows, theirs), MAGNIFIED * bound)
    if not within:
        mine = float(functional.cross_entropy(found, targets))
        raise ValueError(f"{what}: the loss of {len(targets)} tokens is {mine:.5f} by our layers, {loss:.5f} {told}")


def _ending_otherwise(model: Model, row: list[int]) -> list[int]:
    """The row with other tokens in its second half."""
    half, words = len(row) // 2, model.config.get_text_config().vocab_size
    return row[:half] + [(token + 1) % words for token in row[half:]]


def _distances(found: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Root mean square of the difference of logits [places, vocabulary] at each place, what is common to all words left out."""
    return centred(found - theirs).square().mean(-1).sqrt()


def _own_rounding(model: Model, rows: Sequence[list[int]], theirs: torch.Tensor) -> float:
    """How far the library's logits move when it only orders its sums otherwise: its `eager` attention against its `sdpa`.

    Large weights make attention turn on the last bit of bfloat16, and then move the logits further than `allowed` foresees. 0
    where nothing can be said: the class has one of the two alone, or the ranks of ZeRO-3 would have to agree on one more pass.
    """
    if library_attention(model) == "eager" or any(hasattr(p, "ds_numel") for p in model.parameters()):
        return 0.0
    with library_forward(model):
        model.set_attn_implementation("eager")
        otherwise = torch.cat([_logits(model, row) for row in rows])
    return float(_distances(otherwise, theirs).quantile(QUANTILE))


def _logits(model: Model, row: list[int]) -> torch.Tensor:
    """The library's logits after the `compared` places of a row, in fp32 on the CPU [places, vocabulary]."""
    device = model.get_input_embeddings().weight.device
    ids, places = (torch.tensor(numbers, device=device) for numbers in (row, compared(row)))
    logits = model(input_ids=ids[None], use_cache=False, logits_to_keep=places).logits[0]
    return (
        (logits[places] if len(logits) == len(row) else logits).float().cpu()
    )  # few classes give all whatever is asked
