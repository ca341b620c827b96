"""The length-controlled win rate of AlpacaEval 2 (arXiv 2404.04475): what a judge would say if no answer were the longer one.

A logistic model foretells a verdict from the difference in length, the instruction's difficulty and a constant of the model. It is
fitted to the model's verdicts and, for stability, to those of two baselines that were told to be short and to be long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from humpback_exp.evaluation.alpaca_eval.files import Annotation
from humpback_exp.evaluation.alpaca_eval.length_control_files import LengthControl

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
FOLDS = 5
GAMED_WEIGHT = 0.1
"""Of a row of the two gamed baselines: AlpacaEval's regularisation of 0.2, shared between them."""
STRENGTHS = np.logspace(-4, 4, 10)
"""Inverse strengths of the L1 penalty that cross-validation chooses from."""


def length_controlled(
    annotations: Sequence[Annotation], control: LengthControl, strength: float | None = None, tolerance: float = 1e-4
) -> float:
    """The win rate in percent that a logistic model foretells at equal lengths, fitted to verdicts and gamed baselines.

    Args:
        strength: inverse strength of the L1 penalty; None chooses the one of `STRENGTHS` with the best log loss over `FOLDS`
            groups of verdicts, as AlpacaEval does.
        tolerance: where the solver stops; AlpacaEval's is scikit-learn's own, with which the result is 0.001 off the optimum.

    Raises:
        ValueError: an instruction has no difficulty, or all answers differ by one length.
    """
    rows = training_rows(annotations, control)
    weights = fitted(rows, np.arange(len(rows.labels)), strength or best_strength(rows), tolerance).coef_[0]
    return at_equal_length(weights, difficulties(annotations, control))


def best_strength(rows: "Rows") -> float:
    """The inverse penalty whose models foretell the groups left out best; a verdict's two rows are in one group."""
    from sklearn.model_selection import GroupKFold

    folds = list(GroupKFold(FOLDS).split(rows.features, groups=rows.group))
    losses = [np.mean([log_loss(fitted(rows, kept, c), rows, left) for kept, left in folds]) for c in STRENGTHS]
    return float(STRENGTHS[int(np.argmin(losses))])


def fitted(rows: "Rows", chosen: Indices, strength: float, tolerance: float = 1e-4) -> Any:
    """scikit-learn's model of the chosen rows: L1 penalty, no intercept, liblinear."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=strength,
        solver="liblinear",
        l1_ratio=1,
        fit_intercept=False,
        random_state=123,
        tol=tolerance,
        max_iter=10_000,
    )
    return model.fit(rows.features[chosen], rows.labels[chosen], (rows.share * rows.weight)[chosen])


def log_loss(model: Any, rows: "Rows", chosen: Indices) -> float:
    """Mean weighted log loss of the model's probabilities of a win on the chosen rows, against the shares of wins."""
    told = np.clip(model.predict_proba(rows.features[chosen])[:, 1], 1e-15, 1 - 1e-15)
    wins = np.where(rows.labels == 1, rows.share, 1 - rows.share)[chosen]
    losses = wins * np.log(told) + (1 - wins) * np.log(1 - told)
    return -float((losses * rows.weight[chosen]).mean())


@dataclass(frozen=True, slots=True)
class Rows:
    """Verdicts doubled, once under each label, as scikit-learn takes shares for labels."""

    features: Floats
    """[2 n, 3]: tanh of the standardised length difference, difficulty, whether the row is the model's own."""
    labels: Indices
    share: Floats
    """How much of the row is under its label."""
    weight: Floats
    group: Indices


def training_rows(annotations: Sequence[Annotation], control: LengthControl) -> Rows:
    """The gamed baselines' rows at `GAMED_WEIGHT`, then the model's own at 1."""
    read = [each for each in annotations if each.preference is not None]
    lengths = np.array([len(each.output_1) - len(each.output_2) for each in annotations], dtype=float)
    if len(set(lengths)) < 2:
        raise ValueError(
            f"{len(lengths)} verdicts: all differ by the same length, so that no length can be controlled for; "
            "the raw win rate needs no correction"
        )
    standard = dict(zip(annotations, lengths / lengths.std(ddof=1), strict=True))
    own = np.array([[each.preference - 1, standard[each], difficulty_of(each, control)] for each in read])  # type: ignore[operator]
    table = np.concatenate([control.gamed, own])
    is_own = np.arange(len(table)) >= len(control.gamed)
    features = np.column_stack([np.tanh(table[:, 1]), table[:, 2], is_own.astype(float)])
    share, count = table[:, 0], len(table)
    return Rows(
        features=np.concatenate([features, features]),
        labels=np.repeat([1, 0], count),
        share=np.concatenate([share, 1 - share]),
        weight=np.tile(np.where(is_own, 1.0, GAMED_WEIGHT), 2),
        group=np.tile(np.arange(count), 2),
    )


def at_equal_length(weights: Floats, difficulty: Floats) -> float:
    """Mean probability of a win in percent where neither answer is longer; `weights` of length, difficulty and model."""
    return 100 * float((1 / (1 + np.exp(-(weights[1] * difficulty + weights[2])))).mean())


def difficulties(annotations: Sequence[Annotation], control: LengthControl) -> Floats:
    """[n], joined by the instruction and not by its place in the file."""
    return np.array([difficulty_of(each, control) for each in annotations])


def difficulty_of(annotation: Annotation, control: LengthControl) -> float:
    if annotation.instruction not in control.difficulty:
        raise ValueError(
            f"{annotation.instruction[:60]!r}: has no difficulty; a length-controlled win rate is for AlpacaEval's instructions"
        )
    return control.difficulty[annotation.instruction]
