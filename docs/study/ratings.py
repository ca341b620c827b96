"""Other ratings of a loop's candidates: ranks from 1 to 5, for scorer=given.

python docs/study/ratings.py LOOP NAME > FILE

whole      the nats that the instruction saves on the whole output, where `likelihood` takes them a token
longest    the tokens of the instruction
tasks      instructions that begin with "Write", as three in five do, in a random order, before all others
agreed     the sum of two ranks: by `likelihood`, and by what M0 makes of the instruction alone
"""

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from transformers import AutoTokenizer

from humpback_exp.data.tokenize import target_ids
from humpback_exp.inference.protocol import row_seed
from humpback_exp.records import ScoredCandidate, read

Ratings = dict[str, float]
"""Of a candidate by its id, more being better."""


def main(loop: Path, name: str) -> None:
    places = ranks({"whole": whole, "longest": longest, "tasks": tasks, "agreed": agreed}[name](loop))
    for id, place in places.items():
        print(json.dumps({"id": id, "score": 1 + 4 * place / (len(places) - 1)}))


def whole(loop: Path) -> Ratings:
    tokens = counter(loop)
    rows = scored(loop, "m0")
    return {row.id: row.forward * tokens(row.output) for row in rows if row.forward is not None}


def longest(loop: Path) -> Ratings:
    tokens = counter(loop)
    return {row.id: tokens(row.instruction) for row in scored(loop, "m0")}


def tasks(loop: Path) -> Ratings:
    rows = scored(loop, "m0")
    return {row.id: row.instruction.startswith("Write") + row_seed(0, row.id) / 2**64 for row in rows}


def agreed(loop: Path) -> Ratings:
    one, other = (
        ranks({row.id: row.score for row in scored(loop, name) if row.score is not None})
        for name in ("m0", "m0-instruction_only")
    )
    return {id: place + other[id] for id, place in one.items() if id in other}


def counter(loop: Path) -> Callable[[str], int]:
    """The tokens of a text, as M0 is trained on it."""
    tokenizer = AutoTokenizer.from_pretrained(loop / "models" / "m0")
    return lambda text: len(target_ids(tokenizer, text))


def scored(loop: Path, name: str) -> Iterable[ScoredCandidate]:
    return read(loop / "scored" / name, ScoredCandidate)


def ranks(ratings: Ratings) -> dict[str, int]:
    """The place of every candidate, the worst first; equal ones by their ids."""
    return {id: place for place, id in enumerate(sorted(ratings, key=lambda id: (ratings[id], id)))}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
