"""Models + pairs -> what a scorer measures of each. Scoring and its gate rate through `measure`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from humpback_exp import reasons
from humpback_exp.completions import OVERFLOW, Completion
from humpback_exp.config import RatingConfig, RubricConfig
from humpback_exp.config.rating import LIKELIHOODS
from humpback_exp.curation.parsing import Rated, expectation, gain, parse_score
from humpback_exp.inference.load import load_engine
from humpback_exp.inference.protocol import Engine, row_seed
from humpback_exp.planning.tensor_parallel import shared_engine
from humpback_exp.progress import Advance, part
from humpback_exp.prompts import ASSISTANT_PREFIX, backward, forward, rating

Pair = tuple[str, str]
"""Instruction and output."""


@dataclass(slots=True, frozen=True)
class Models:
    """The rating model, the backward model and the base model, each only where the scorers in use ask it."""

    rater: Engine | None
    backward: Engine | None
    base: Engine | None = None


def load_models(config: RatingConfig) -> Models:
    """Load what `config.scorers_used` needs."""
    measures = LIKELIHOODS[config.likelihood] if "likelihood" in config.scorers_used else ()
    alone = measures == ("backward",) and config.scorers_used == {"likelihood"}
    backward = config.backward_path if "backward" in measures else None
    base = config.base_path if "contrast" in measures else None
    engine = shared_engine(config)
    return Models(
        rater=None if alone else load_engine(engine, config.model_path),
        backward=load_engine(engine, backward, "backward_path") if backward else None,
        base=load_engine(engine, base, "base_path", config.base_template) if base else None,
    )


def measure(
    models: Models,
    config: RatingConfig,
    scorer: str,
    rubric: RubricConfig,
    pairs: Sequence[Pair],
    ids: Sequence[str],
    advance: Advance,
) -> list[Rated]:
    """What `scorer` says of each pair.

    Args:
        ids: one a pair; with `config.seed` they decide what is sampled.
    """
    if scorer == "likelihood":
        return by_likelihood(models, config.likelihood, pairs, config.tagged, advance)
    assert models.rater is not None
    if scorer == "expected":
        return by_expectation(models.rater, rubric, pairs, config.tagged, advance)
    return by_rating(models.rater, config, rubric, pairs, ids, advance)


def by_rating(
    engine: Engine,
    config: RatingConfig,
    rubric: RubricConfig,
    pairs: Sequence[Pair],
    ids: Sequence[str],
    advance: Advance,
) -> list[Rated]:
    """Ask for `config.samples` written ratings, each again while it is unreadable, and take the mean of the readable ones.

    Each try has its own seed. Greedy sampling answers the same each time, so it is asked once; a pair that does not fit
    the context will not fit the next time either.
    """
    tries = config.attempts if config.generation.temperature > 0 else 1
    asked: list[list[Completion]] = [[] for _ in pairs]
    for sample in range(config.samples):
        waiting = list(range(len(pairs)))
        for attempt in range(tries):
            conversations = [rating(rubric.prompt, *pairs[i], config.tagged) for i in waiting]
            seeds = [row_seed(config.seed, ids[i], sample * tries + attempt) for i in waiting]
            counted = part(advance, 1 / config.samples if attempt == 0 else 0)
            completions = engine.generate(conversations, config.generation, seeds, counted)
            for i, completion in zip(waiting, completions, strict=True):
                asked[i].append(completion)
            waiting = [i for i in waiting if ask_again(asked[i][-1], config, rubric)]
            if not waiting:
                break
    return [written(completions, config, rubric) for completions in asked]


def level_in(completion: Completion, config: RatingConfig, rubric: RubricConfig) -> float | None:
    """The level that a completion gives, None where it has none; a rating that was cut off may have gone on."""
    if completion.unfinished and config.generation.unfinished == "drop":
        return None
    return parse_score(completion.text, rubric.lowest)


def ask_again(completion: Completion, config: RatingConfig, rubric: RubricConfig) -> bool:
    """Whether another try may give a rating where this one gave none."""
    return completion.finish != OVERFLOW and level_in(completion, config, rubric) is None


def written(asked: Sequence[Completion], config: RatingConfig, rubric: RubricConfig) -> Rated:
    """The mean of the levels read from all completions about one pair, or why there is none."""
    raw = [completion.text for completion in asked]
    levels = [level for completion in asked if (level := level_in(completion, config, rubric)) is not None]
    if levels:
        return Rated(generated=sum(levels) / len(levels), raw=raw, re_asked=len(asked) > config.samples)
    return Rated(raw=raw, dropped=why_unread(asked))


def why_unread(asked: Sequence[Completion]) -> str:
    """Why none of the completions about a pair gave a rating: what is wrong with the last one that was written at all."""
    if any(completion.finish == OVERFLOW for completion in asked):
        return reasons.OVERFLOW
    last = next((completion for completion in reversed(asked) if completion.text.strip()), asked[-1])
    empty = "" if last.text.strip() else reasons.EMPTY
    return last.unusable or empty or last.unfinished or reasons.UNREADABLE


def by_expectation(
    engine: Engine, rubric: RubricConfig, pairs: Sequence[Pair], tagged: bool, advance: Advance
) -> list[Rated]:
    """The mean level where the rating would stand, were the rating model to begin with it; always readable, one reading a pair."""
    conversations = [rating(rubric.prompt, *pair, tagged) for pair in pairs]
    probabilities = engine.choose(conversations, [str(n) for n in rubric.ratings], ASSISTANT_PREFIX, advance)
    means = [expectation(rubric.ratings, row) for row in probabilities]
    return [
        Rated(
            expected=mean,
            mass=mass,
            dropped="" if mean is not None else reasons.OVERFLOW if mass is None else reasons.UNREADABLE,
        )
        for mean, mass in means
    ]


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
