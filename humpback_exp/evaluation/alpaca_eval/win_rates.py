"""Win rates over AlpacaEval's verdicts, and the comparison of two models that were judged against one baseline."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from humpback_exp.evaluation.alpaca_eval.files import Annotation
from humpback_exp.evaluation.intervals import Grid, Interval, paired
from humpback_exp.evaluation.win_rate import WinRate, win_rate


def by_dataset(annotations: Sequence[Annotation], path: Path) -> dict[str, WinRate]:
    """The win rate over all verdicts, then over those of each data set that has several.

    Args:
        path: where the verdicts were read, for the error.

    Raises:
        ValueError: fewer than two verdicts can be read.
    """
    shares = [each.share for each in annotations]
    known = sum(share is not None for share in shares)
    if known < 2:
        raise ValueError(
            f"annotations={path}: {known} of {len(shares)} verdicts can be read; a win rate needs two or more"
        )
    names = sorted({each.dataset for each in annotations} - {""})
    of_each = {name: win_rate([each.share for each in annotations if each.dataset == name]) for name in names}
    several = {name: found for name, found in of_each.items() if found.wins + found.losses + found.ties > 1}
    return {"all": win_rate(shares)} | several


def compared(ours: Sequence[Annotation], theirs: Sequence[Annotation]) -> Interval:
    """The first model's win rate less the second's over the same baseline, in points, paired on the instructions where both
    verdicts could be read.

    Raises:
        ValueError: the files are about other instructions, another baseline, or other judges.
    """
    there = {each.instruction: each for each in theirs}
    if there.keys() != {each.instruction for each in ours}:
        raise ValueError("annotations: the two files are about different instructions; judge both models on one set")
    pairs = [(each, there[each.instruction]) for each in ours]
    if any(a.output_1 != b.output_1 for a, b in pairs):
        raise ValueError(
            "annotations: the two files are against different baselines (output_1); judge both against one"
        )
    judges = sorted({each.annotator for pair in pairs for each in pair})
    if len(judges) > 1:
        raise ValueError(f"annotations: the two files are by different judges ({', '.join(judges)}); use one for both")
    both = [(a.share, b.share) for a, b in pairs if a.share is not None and b.share is not None]
    if len(both) < 2:
        raise ValueError(f"{len(both)} instructions have a verdict in both files; a comparison needs two or more")
    sides = 100 * np.array(both).T
    found = paired(*(Grid(side[None], np.ones(len(both))) for side in sides))
    return replace(found, bounds=(-100.0, 100.0))
