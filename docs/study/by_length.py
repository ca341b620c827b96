"""Ratings for `scorer=given` from a loop's likelihood ratings, with the outputs' lengths in mind; JSON lines to stdout.

    python docs/study/by_length.py LOOP whole > FILE    nats that the instruction saves on the whole output, not a token
    python docs/study/by_length.py LOOP even > FILE     nats a token, each candidate among the tenth that is as long as it

Scores are ranks, from 1 to 5.
"""

import json
import sys
from itertools import pairwise
from pathlib import Path

from transformers import AutoTokenizer

from humpback_exp.records import ScoredCandidate, read

CLASSES = 10


def main(loop: Path, way: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(loop / "models" / "m0")
    saved = {
        row.id: (row.forward, len(tokenizer(row.output).input_ids) + 1)  # and the end token, which is learnt, too
        for row in read(loop / "scored" / "m0", ScoredCandidate)
        if row.forward is not None
    }
    for id, score in (whole(saved) if way == "whole" else even(saved)).items():
        print(json.dumps({"id": id, "score": score}))


def whole(saved: dict[str, tuple[float, int]]) -> dict[str, float]:
    return ranks({id: forward * tokens for id, (forward, tokens) in saved.items()})


def even(saved: dict[str, tuple[float, int]]) -> dict[str, float]:
    by_length = sorted(saved, key=lambda id: (saved[id][1], id))
    cuts = [round(len(by_length) * part / CLASSES) for part in range(CLASSES + 1)]
    classes = [by_length[low:high] for low, high in pairwise(cuts)]
    return {id: score for ids in classes for id, score in ranks({id: saved[id][0] for id in ids}).items()}


def ranks(values: dict[str, float]) -> dict[str, float]:
    """1 for the lowest value to 5 for the highest."""
    ordered = sorted(values, key=lambda id: (values[id], id))
    return {id: 1 + 4 * place / (len(ordered) - 1) for place, id in enumerate(ordered)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
