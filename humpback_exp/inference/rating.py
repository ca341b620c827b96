"""An engine + pairs -> scores, by either scorer. Curation and evaluation rate through the same two functions."""

from collections.abc import Sequence

from humpback_exp.config import GenerationConfig
from humpback_exp.curation.scoring import gain, parse_score
from humpback_exp.inference.engine import Advance, Engine, row_seed
from humpback_exp.prompts import forward, rating

Pair = tuple[str, str]
"""Instruction and output."""


def by_rating(
    engine: Engine,
    pairs: Sequence[Pair],
    ids: Sequence[str],
    rubric: str,
    sampling: GenerationConfig,
    attempts: int,
    seed: int,
    tagged: bool,
    advance: Advance,
) -> list[tuple[float | None, list[str]]]:
    """Ask for a written rating, and ask again while it is unreadable.

    Args:
        attempts: tries at most; each has its own seed. Greedy sampling answers the same each time, so it is asked once.

    Returns:
        Score (None when no try was readable) and every completion, in order.
    """
    tries = attempts if sampling.temperature > 0 else 1
    scores: list[float | None] = [None] * len(pairs)
    raw: list[list[str]] = [[] for _ in pairs]
    for attempt in range(tries):
        open_rows = [i for i, score in enumerate(scores) if score is None]
        conversations = [rating(rubric, *pairs[i], tagged) for i in open_rows]
        seeds = [row_seed(seed, ids[i], attempt) for i in open_rows]
        completions = engine.generate(
            conversations, sampling, seeds, advance if attempt == 0 else lambda rows, tokens: None
        )
        for i, completion in zip(open_rows, completions, strict=True):
            raw[i].append(completion.text)
            scores[i] = parse_score(completion.text)
    return list(zip(scores, raw, strict=True))


def by_likelihood(engine: Engine, pairs: Sequence[Pair], tagged: bool, advance: Advance) -> list[float | None]:
    """How much the instruction lowers the loss of the output, nats a token.

    The output without its instruction is conditioned on an empty request in the same template and tag, so the
    difference is the instruction's alone. None where the pair cannot fit the context.
    """
    outputs, tags = [output for _, output in pairs], ["web"] if tagged else []
    with_it = engine.losses([forward(instruction, tags) for instruction, _ in pairs], outputs, advance)
    without = engine.losses([forward("", tags) for _ in pairs], outputs, lambda rows, tokens: None)
    return [
        gain(alone / count, given / count) if count else None
        for (given, count), (alone, _) in zip(with_it, without, strict=True)
    ]
