"""Do a rating model's hidden states know which pairs are good? A linear probe on labelled pairs, cross-validated.

    python benchmarks/probe.py MODEL examples/labelled_pairs.jsonl --good 3

The probe is a penalised logistic regression on the mean of the last hidden state over the output's tokens. Each pair is
scored by a probe that saw neither it nor its fold; the penalty is chosen within the other folds. Printed is the area under
the curve (AUC) with its standard error (DeLong), beside that of a probe on the lengths of instruction and output: hidden
states must know more than these.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from humpback_exp.config import EngineConfig, settle
from humpback_exp.data.tokenize import encode
from humpback_exp.evaluation.selectors import LabelledPair, read_labelled
from humpback_exp.evaluation.statistics import paired_area
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.inference.transformers.kv_cache import Prefix
from humpback_exp.inference.transformers.prefill import read
from humpback_exp.progress import table
from humpback_exp.prompts import forward

FOLDS = 10
PENALTIES = tuple(10.0**power for power in range(-5, 1))
"""Inverse strengths that are tried within the folds."""


@torch.inference_mode()
def hidden_means(engine: TransformersEngine, pair: LabelledPair) -> np.ndarray:
    """Mean last hidden state over the output's tokens, float64 [hidden]; the prompt is the one that the pair is trained with."""
    row = encode(engine.tokenizer, forward(pair.instruction, ["web"]), pair.output, "")
    hidden = read(engine.model.get_decoder(), [row.ids], 0, Prefix().before)
    return hidden[-row.label_count :].double().mean(0).numpy()


def lengths(pair: LabelledPair) -> list[float]:
    return [np.log1p(len(pair.instruction)), np.log1p(len(pair.output))]


def area(features: np.ndarray, good: np.ndarray, seed: int) -> tuple[float, float]:
    """AUC of cross-validated scores and its standard error; features [pairs, n], good [pairs] of 0 and 1."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    inner = LogisticRegressionCV(
        Cs=PENALTIES, cv=5, scoring="roc_auc", max_iter=2000, l1_ratios=(0,), use_legacy_attributes=False
    )
    chances = cross_val_predict(
        make_pipeline(StandardScaler(), inner), features, good, cv=folds, method="predict_proba"
    )[:, 1]
    return paired_area(
        [(chance, None) if label else (None, chance) for chance, label in zip(chances, good, strict=True)]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of the rating model")
    parser.add_argument("labelled", type=Path, help="labelled pairs")
    parser.add_argument("--good", type=float, default=4, help="label from which on a pair is good")
    parser.add_argument("--seeds", type=int, default=3, help="how often the folds are drawn anew")
    args = parser.parse_args()
    pairs = list(read_labelled(args.labelled).values())
    good = np.array([pair.label >= args.good for pair in pairs]).astype(int)
    if not FOLDS <= good.sum() <= len(pairs) - FOLDS:
        raise SystemExit(
            f"--good {args.good:g}: {good.sum()} of {len(pairs)} pairs reach it; {FOLDS} folds need {FOLDS} of either kind"
        )
    engine = TransformersEngine(settle(EngineConfig()), args.model, "model")
    features = {
        "hidden states": np.stack([hidden_means(engine, pair) for pair in pairs]),
        "lengths": np.array([lengths(pair) for pair in pairs]),
    }
    rows: list[dict[str, object]] = []
    for name, values in features.items():
        found = [area(values, good, seed) for seed in range(args.seeds)]
        mean, error = np.mean(found, axis=0)
        rows.append(
            {"probe on": name, "pairs": len(pairs), "good": int(good.sum()), "AUC": f"{mean:.2f} ± {error:.2f}"}
        )
    print(table(rows))


if __name__ == "__main__":
    main()
