"""Do a rating model's hidden states know which pairs are good? A linear probe on labelled pairs, cross-validated.

    python benchmarks/probe.py MODEL examples/labelled_pairs.jsonl --good 3
    python benchmarks/probe.py MODEL examples/labelled_pairs.jsonl --good 2 --candidates FOLDER --ratings FILE

The probe is a penalised logistic regression on the mean of the last hidden state over the output's tokens. Each pair is
scored by a probe that saw neither it nor its fold; the penalty is chosen within the other folds. Printed is the area under
the curve (AUC) with its standard error (DeLong), beside that of a probe on the lengths of instruction and output: hidden
states must know more than these. With `--ratings` it also rates the candidates of a folder, for `scorer=given`: those with
the id of a labelled pair as above, all others by a probe on all labels.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from humpback_exp import artifacts
from humpback_exp.config import EngineConfig, settle
from humpback_exp.data.tokenize import encode
from humpback_exp.evaluation.selectors import LabelledPair, read_labelled
from humpback_exp.evaluation.statistics import paired_area
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.inference.transformers.kv_cache import Prefix
from humpback_exp.inference.transformers.prefill import read as read_rows
from humpback_exp.progress import bar, table
from humpback_exp.prompts import forward
from humpback_exp.records import Candidate, read

FOLDS = 10
PENALTIES = tuple(10.0**power for power in range(-5, 1))
"""Inverse strengths that are tried within the folds."""


def hidden_means(engine: TransformersEngine, pairs: Sequence[LabelledPair | Candidate]) -> np.ndarray:
    """A row of `hidden_mean` for each pair, [pairs, hidden]."""
    means = []
    with bar(len(pairs), "hidden states") as progress:
        for pair in pairs:
            means.append(hidden_mean(engine, pair))
            progress.update()
    return np.stack(means)


@torch.inference_mode()
def hidden_mean(engine: TransformersEngine, pair: LabelledPair | Candidate) -> np.ndarray:
    """Mean last hidden state over the output's tokens, float64 [hidden]; the prompt is the one that the pair is trained with."""
    row = encode(engine.tokenizer, forward(pair.instruction, ["web"]), pair.output, "")
    hidden = read_rows(engine.model.get_decoder(), [row.ids], 0, Prefix().before)
    return hidden[-row.label_count :].double().mean(0).numpy()


def lengths(pair: LabelledPair) -> list[float]:
    return [np.log1p(len(pair.instruction)), np.log1p(len(pair.output))]


def area(features: np.ndarray, good: np.ndarray, seed: int) -> tuple[float, float]:
    """AUC of cross-validated scores and its standard error; features [pairs, n], good [pairs] of 0 and 1."""
    chances = cross_val_predict(classifier(), features, good, cv=folds(seed), method="predict_proba")[:, 1]
    return paired_area(
        [(chance, None) if label else (None, chance) for chance, label in zip(chances, good, strict=True)]
    )


def folds(seed: int) -> StratifiedKFold:
    return StratifiedKFold(FOLDS, shuffle=True, random_state=seed)


def classifier() -> Pipeline:
    inner = LogisticRegressionCV(
        Cs=PENALTIES, cv=5, scoring="roc_auc", max_iter=2000, l1_ratios=(0,), use_legacy_attributes=False
    )
    return make_pipeline(StandardScaler(), inner)


def ratings(candidates: dict[str, np.ndarray], labelled: dict[str, np.ndarray], good: np.ndarray) -> dict[str, float]:
    """Id of a candidate -> 1 to 5, for a chance of being good of 0 to 1.

    Args:
        candidates, labelled: id -> mean hidden state, [hidden].
        good: 0 or 1 for each of `labelled`, in order.
    """
    ids, features = list(labelled), np.stack(list(labelled.values()))
    rounds = [(seen, {ids[place] for place in held}) for seen, held in folds(seed=0).split(features, good)]
    found: dict[str, float] = {}
    for seen, theirs in (*rounds, (np.arange(len(ids)), candidates.keys() - labelled)):
        probe = classifier().fit(features[seen], good[seen])
        asked = {id: hidden for id, hidden in candidates.items() if id in theirs}
        found |= {id: 1 + 4 * float(probe.predict_proba(hidden[None])[0, 1]) for id, hidden in asked.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of the rating model")
    parser.add_argument("labelled", type=Path, help="labelled pairs")
    parser.add_argument("--good", type=float, default=4, help="label from which on a pair is good")
    parser.add_argument("--seeds", type=int, default=3, help="how often the folds are drawn anew")
    parser.add_argument("--candidates", help="folder to rate, too")
    parser.add_argument("--ratings", type=Path, help="file for its ratings")
    args = parser.parse_args()
    if (args.candidates is None) != (args.ratings is None):
        parser.error("--candidates and --ratings go together")
    folder = args.candidates and artifacts.require_input(args.candidates, "candidates")
    rated = [row for row in read(folder, Candidate) if not row.dropped] if folder else []
    pairs = list(read_labelled(args.labelled).values())
    good = np.array([pair.label >= args.good for pair in pairs]).astype(int)
    if not FOLDS <= good.sum() <= len(pairs) - FOLDS:
        raise SystemExit(
            f"--good {args.good:g}: {good.sum()} of {len(pairs)} pairs reach it; {FOLDS} folds need {FOLDS} of either kind"
        )
    engine = TransformersEngine(settle(EngineConfig()), args.model, "model")
    features = {
        "hidden states": hidden_means(engine, pairs),
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
    if rated:
        labelled = {pair.id: hidden for pair, hidden in zip(pairs, features["hidden states"], strict=True)}
        candidates = {row.id: hidden for row, hidden in zip(rated, hidden_means(engine, rated), strict=True)}
        lines = (json.dumps({"id": id, "score": score}) for id, score in ratings(candidates, labelled, good).items())
        args.ratings.parent.mkdir(parents=True, exist_ok=True)
        args.ratings.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
