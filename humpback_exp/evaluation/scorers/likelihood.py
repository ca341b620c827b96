"""Likelihoods of a pair: what the instruction saves on the output, the instruction's own, and the gain over the base model."""

import math
from collections.abc import Sequence

from humpback_exp import reasons
from humpback_exp.config.rating import LIKELIHOODS
from humpback_exp.curation.parsing import Rated, gain
from humpback_exp.evaluation.scorers.models import Models, Pair
from humpback_exp.inference.protocol import Engine
from humpback_exp.progress import Advance, part
from humpback_exp.prompts import backward, forward

READINGS = {"forward": 2, "backward": 1, "contrast": 2}
"""How often a likelihood has a pair read."""


def by_likelihood(models: Models, which: str, pairs: Sequence[Pair], tagged: bool, advance: Advance) -> list[Rated]:
    """The measures of a likelihood for each pair (`RatingConfig.likelihood`)."""
    names, found = LIKELIHOODS[which], []
    for name in names:
        counted = part(advance, READINGS[name] / sum(READINGS[each] for each in names))
        found.append(likelihoods(models, name, pairs, tagged, counted))
    return [
        Rated(**dict(zip(names, row, strict=True)), dropped=why_unmeasured(row)) for row in zip(*found, strict=True)
    ]


def likelihoods(models: Models, name: str, pairs: Sequence[Pair], tagged: bool, advance: Advance) -> list[float | None]:
    """One measure of every pair, in nats a token; None where the pair cannot fit the context."""
    if name == "backward":
        assert models.backward is not None
        return backward_gains(models.backward, pairs, tagged, advance)
    assert models.rater is not None
    if name == "forward":
        return forward_gains(models.rater, pairs, tagged, advance)
    assert models.base is not None
    return contrasts(models.base, models.rater, pairs, tagged, advance)


def why_unmeasured(measures: Sequence[float | None]) -> str:
    """Why a pair has no likelihood: it does not fit the context, or what the model gives are no numbers; empty where it has."""
    if None in measures:
        return reasons.OVERFLOW
    return "" if all(value is not None and math.isfinite(value) for value in measures) else reasons.UNREADABLE


def forward_gains(engine: Engine, pairs: Sequence[Pair], tagged: bool, advance: Advance) -> list[float | None]:
    """How much the instruction lowers the loss of the output, nats a token; None where the pair cannot fit the context.

    The output without its instruction is conditioned on an empty request in the same template and tag, so the
    difference is the instruction's alone.
    """
    outputs, tags = [output for _, output in pairs], ["web"] if tagged else []
    with_it = engine.losses([forward(instruction, tags) for instruction, _ in pairs], outputs, part(advance, 1 / 2))
    without = engine.losses([forward("", tags) for _ in pairs], outputs, part(advance, 1 / 2))
    return [
        gain(alone / count, given / count) if count else None
        for (given, count), (alone, _) in zip(with_it, without, strict=True)
    ]


def backward_gains(engine: Engine, pairs: Sequence[Pair], tagged: bool, advance: Advance) -> list[float | None]:
    """Minus the loss of the instruction given the output, nats a token; None where the pair cannot fit the context."""
    conversations = [backward(output, tagged) for _, output in pairs]
    losses = engine.losses(conversations, [instruction for instruction, _ in pairs], advance)
    return [-loss / count if count else None for loss, count in losses]


def contrasts(base: Engine, rater: Engine, pairs: Sequence[Pair], tagged: bool, advance: Advance) -> list[float | None]:
    """How much likelier the rating model finds the output than its base model does; the prompt is the same for both."""
    conversations = [forward(instruction, ["web"] if tagged else []) for instruction, _ in pairs]
    outputs = [output for _, output in pairs]
    before, after = (engine.losses(conversations, outputs, part(advance, 1 / 2)) for engine in (base, rater))
    return [
        (loss - trained) / count if count else None for (loss, count), (trained, _) in zip(before, after, strict=True)
    ]
