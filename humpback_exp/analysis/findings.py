"""Figures -> plain sentences that claim no more than the errors carry.

A difference is called one only beyond two standard errors (`results.Estimate.side`); everything else is said to be open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from humpback_exp.analysis.results import ERRORS, FEWEST, Contrast, Estimate, Result
from humpback_exp.analysis.text import percent, signed

LOPSIDED = 0.2
"""A judge that prefers one position this far from half the time mostly judges the position (our choice)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence, and whether it reports an improvement (1), the opposite (-1) or nothing that can be told (0)."""

    text: str
    side: int


def findings(evaluated: Sequence[Result], compared: Sequence[Contrast]) -> list[Finding]:
    """What can be said, the most telling first: rounds of curation, then the base, then the judge, then the scorers."""
    if not evaluated:
        return [Finding("Nothing has been evaluated yet, so nothing can be said about which model is better.", 0)]
    rounds = [loss_contrast(contrast) for contrast in _last_first(compared)]
    against = [_against_reference(result) for result in reversed(evaluated) if result.change is not None]
    wins = [win_rate(result) for result in reversed(evaluated) if result.win is not None]
    return rounds + against + wins


def headline(evaluated: Sequence[Result], compared: Sequence[Contrast], steps: Mapping[str, int]) -> list[Finding]:
    """The loss of the last model against M0 (else the reference), what else may explain it, and its win rate.

    Args:
        steps: optimiser steps of the loop's models, M0 and on.
    """
    lead = findings(evaluated, compared)[:1]
    if compared and lead[0].side:
        lead += _confounded(compared[-1], steps)
    wins = [win_rate(result) for result in reversed(evaluated) if result.win is not None]
    return lead + [finding for finding in wins[:1] if finding not in lead]


def _confounded(contrast: Contrast, steps: Mapping[str, int]) -> list[Finding]:
    """M1 sees the seed and more, so it also trains longer: a gain need not come from what was curated."""
    ours, theirs = steps.get(contrast.ours, 0), steps.get(contrast.theirs, 0)
    if ours == theirs or not (ours and theirs):
        return []
    length = "longer" if ours > theirs else "shorter"
    return [
        Finding(
            f"It also trained {length} ({ours:,} steps against {theirs:,}), so this alone does not show what curation did.",
            0,
        )
    ]


def loss_contrast(contrast: Contrast) -> Finding:
    """M2 against M0 and the like."""
    side = -contrast.change.side(0.0)
    ours, theirs, change = contrast.ours, contrast.theirs, contrast.change
    if change.value == change.error == 0:
        return Finding(
            f"{ours} and {theirs} give each of {change.count} held-out pairs the same loss: they are one model, as when both "
            "rounds of curation keep the same pairs.",
            0,
        )
    figures = f"{signed(change)} nats a token over {change.count} held-out pairs"
    if side:
        said = f"{ours} has a {'lower' if side > 0 else 'higher'} held-out loss than {theirs}"
        return Finding(f"{said}: {figures}, {_ratio(change, 0.0, 'paired ')}.", side)
    said = f"{ours} and {theirs} cannot be told apart by held-out loss"
    return Finding(f"{said}: {figures}, {_why_open(change, 0.0)}.", 0)


def _against_reference(result: Result) -> Finding:
    assert result.change is not None
    return loss_contrast(Contrast(result.name, result.reference or "its reference", result.change))


def win_rate(result: Result) -> Finding:
    """Wins plus half the ties, against one half."""
    assert result.win is not None
    side, against = result.win.side(0.5), result.reference or "its reference"
    rate = f"{percent(result.win)} of {result.win.count} comparisons with {against}"
    if side:
        verb = "is preferred" if side > 0 else "is preferred less often"
        return Finding(f"{result.name} {verb} by the judge: it wins {rate}, {_ratio(result.win, 0.5)} from half.", side)
    if result.tally and sum(result.tally) == result.tally[1]:
        return Finding(f"The judge ties all {result.win.count} comparisons of {result.name} with {against}.", 0)
    return Finding(f"The judge does not separate {result.name}: it wins {rate}, {_why_open(result.win, 0.5)}.", 0)


def cautions(evaluated: Sequence[Result], compared: Sequence[Contrast], steps: Mapping[str, int]) -> list[str]:
    """What a reader must know before believing the figures; `steps` as in `headline`."""
    judged = [result for result in evaluated if result.win is not None]
    notes = []
    if evaluated:
        notes.append(
            "± is one standard error over held-out pairs or prompts. It does not cover the luck of training: "
            "each model was trained once, and another seed would give other figures."
        )
    tests = len(compared) + sum(result.change is not None for result in evaluated) + len(judged)
    if tests > 1:
        notes.append(
            f"{tests} comparisons are made here; where nothing differs, about one in twenty still passes two standard errors."
        )
    return notes + _about_steps(steps) + _about_judge(judged) + _about_ratings(evaluated)


def _about_steps(steps: Mapping[str, int]) -> list[str]:
    """How to tell the effect of training longer from that of curation."""
    if len(set(steps.values())) < 2:
        return []
    told = ", ".join(f"{name} {count:,}" for name, count in steps.items())
    return [
        f"Optimiser steps: {told}. Whether the choice of pairs or merely more of them changed the loss, only a run with as "
        "many pairs drawn at random would tell."
    ]


def _about_judge(judged: Sequence[Result]) -> list[str]:
    judges = {result.judge for result in judged} & {result.run.input_path("model_path") for result in judged}
    judges |= {result.judge for result in judged if result.judge == result.opponent}
    notes = ["The judge is one of the models compared, and no impartial one."] if judges else []
    shares = [share for share in (result.figure("position_share") for result in judged) if share is not None]
    if not shares or max(abs(share - 0.5) for share in shares) <= LOPSIDED:
        return notes
    low, high = min(shares), max(shares)
    spread = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
    return [
        *notes,
        f"The judge prefers the answer shown first in {spread} of its verdicts (even-handed: 50%), so places sway it. "
        "Wins and losses are counted after this liking is taken out.",
    ]


def _about_ratings(evaluated: Sequence[Result]) -> list[str]:
    pairs = [result.gate.rows("pairs") for result in evaluated if result.gate]
    if not pairs:
        return []
    return [
        f"AUC: how often one of {min(pairs)} human pairs is rated above one with another pair's output (shuffled) or with half "
        "of its own (truncated); 0.5 is chance."
    ]


def _last_first(compared: Sequence[Contrast]) -> list[Contrast]:
    """The last model against M0 stands at the end of `contrasts`, and says most."""
    return list(reversed(compared))


def _ratio(estimate: Estimate, neutral: float, kind: str = "") -> str:
    return f"{abs(estimate.value - neutral) / estimate.error:.1f} {kind}standard errors"


def _why_open(estimate: Estimate, neutral: float) -> str:
    if estimate.count < FEWEST:
        return f"too few (fewer than {FEWEST}) to say more"
    if not estimate.error > 0:
        return "all alike, so no error can be given"
    return f"within {ERRORS:g} standard errors ({abs(estimate.value - neutral) / estimate.error:.1f})"
