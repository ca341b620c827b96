"""What the stages of a loop ask of a model: numbers and lengths of prompts."""

from humpback_exp.augmentation.instructions import MAX_CHARS
from humpback_exp.config import PlanConfig, RatingConfig
from humpback_exp.config.curation import LIKELIHOODS
from humpback_exp.planning.generation import Requests
from humpback_exp.planning.sizes import Rows, Sizes
from humpback_exp.prompts import BACKWARD, JUDGE, REWRITE

MARKS = 20
"""Tokens that a template and a tag add to a prompt (ours)."""


def augment_requests(config: PlanConfig, sizes: Sizes) -> tuple[Requests, ...]:
    """One backward prompt a segment."""
    rows, own = sizes.candidates, len(BACKWARD)
    return (
        _requests(
            config, rows.count, own + rows.output, own + config.corpus.max_chars, config.generation.max_new_tokens
        ),
    )


def score_requests(config: PlanConfig, sizes: Sizes, stage: RatingConfig) -> tuple[Requests, ...]:
    """What rating every candidate asks; those rated by a second scorer to compare the two are too few to count."""
    rows = sizes.candidates
    return _ratings(config, stage, rows, rows.count, MAX_CHARS, config.corpus.max_chars)


def gate_requests(config: PlanConfig, sizes: Sizes, stage: RatingConfig) -> tuple[Requests, ...]:
    """The same of known pairs, each whole and corrupted in two ways."""
    rows = sizes.heldout
    return _ratings(config, stage, rows, 3 * min(config.gate.pairs, rows.count), rows.instruction, rows.output)


def _ratings(
    config: PlanConfig,
    stage: RatingConfig,
    rows: Rows,
    count: float,
    longest_instruction: float,
    longest_output: float,
) -> tuple[Requests, ...]:
    """One reading a pair; by likelihood up to four; a written rating is sampled, and asked again where it is unreadable."""
    pair, longest = rows.instruction + rows.output, longest_instruction + longest_output
    unseen = (0.0, 0.0) if stage.rubric.rates_output else (rows.output, longest_output)
    asked, most = (len(stage.rubric.prompt) + chars - less for chars, less in zip((pair, longest), unseen, strict=True))
    if stage.scorer == "expected":
        return (_requests(config, count, asked, most, 0),)
    if stage.scorer == "likelihood":
        own = len(BACKWARD)
        backward = _requests(config, count, own + pair, own + longest, 0)
        alone = _requests(config, count, rows.output, longest_output, 0)
        whole = _requests(config, count, pair, longest, 0)
        asked_of = {"forward": (whole, alone), "backward": (backward,), "contrast": (whole, whole)}
        return tuple(one for name in LIKELIHOODS[stage.likelihood] for one in asked_of[name])
    tries = stage.attempts if stage.generation.temperature > 0 else 1
    times = stage.samples * sum(config.sizes.unreadable**attempt for attempt in range(tries))
    return (_requests(config, times * count, asked, most, stage.generation.max_new_tokens),)


def rewrite_requests(config: PlanConfig, sizes: Sizes) -> tuple[Requests, ...]:
    """One draft to be rewritten a selected pair."""
    rows, longest = sizes.curated, MAX_CHARS + config.corpus.max_chars
    own, writes = len(REWRITE), config.rewriting.max_new_tokens
    return (_requests(config, rows.count, own + rows.instruction + rows.output, own + longest, writes),)


def evaluate_requests(config: PlanConfig, sizes: Sizes, compares: bool) -> tuple[Requests, ...]:
    """Losses and answers on held-out pairs, comparisons in both orders."""
    rows, prompts = sizes.heldout, config.judge.prompts
    pair = rows.instruction + rows.output
    writes = (config.answers or config.generation).max_new_tokens
    judged = len(JUDGE) + pair + rows.output
    return (
        _requests(config, rows.count, pair, pair, 0),
        _requests(config, prompts, rows.instruction, rows.instruction, writes),
        _requests(config, 2 * prompts if compares else 0, judged, judged, 0),
    )


def _requests(config: PlanConfig, count: float, prompt: float, longest: float, writes: int) -> Requests:
    """Characters as tokens, with the marks around them; a prompt that leaves no room in the context is not sent."""
    per_token = config.sizes.chars_per_token
    most = min(int(longest / per_token) + MARKS, config.model.context - writes)
    return Requests(count, prompt / per_token + MARKS, most, writes)
