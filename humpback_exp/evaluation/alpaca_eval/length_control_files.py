"""AlpacaEval's files that a length-controlled win rate needs: difficulties of instructions, and verdicts of gamed baselines."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from humpback_exp.evaluation.alpaca_eval.files import read_instructions


@dataclass(frozen=True, slots=True)
class LengthControl:
    """What length-controlled win rates need from outside: AlpacaEval's difficulties and the verdicts of its gamed baselines."""

    difficulty: dict[str, float]
    """Instruction -> difficulty."""
    gamed: NDArray[np.float64]
    """[rows, 3]: preference for the model in [0, 1], standardised length difference, difficulty."""


def read_length_control(difficulty: Path, instructions: Path, gamed: Path) -> LengthControl:
    """Read AlpacaEval's `instruction_difficulty.csv` and `df_gamed.csv`.

    Args:
        instructions: the `model_outputs.json` whose order the indices of `difficulty` count.

    Raises:
        ValueError: a file is missing or has other columns; nothing is approximated.
    """
    order = read_instructions(existing(instructions))
    found: dict[str, float] = {}
    for index, value in numbers(difficulty, "index", "instruction_difficulty"):
        if index not in range(len(order)):
            raise ValueError(
                f"{difficulty}: index {index:g} is beyond the {len(order)} instructions of {instructions}; give the answers "
                "whose order it counts"
            )
        found[order[int(index)]] = value
    table = numbers(gamed, "preference", "std_delta_len", "instruction_difficulty")
    return LengthControl(found, np.array(table))


def numbers(path: Path, *names: str) -> list[list[float]]:
    """These columns of a CSV file, row by row; every cell must be a finite number."""
    with existing(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    missing = set(names) - (rows[0].keys() if rows else set())
    if missing:
        raise ValueError(f"{path}: lacks the columns {', '.join(sorted(missing))}")
    try:
        table = [[float(row[name]) for name in names] for row in rows]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: a cell of {', '.join(names)} is no number ({error})") from None
    if not np.isfinite(table).all():
        raise ValueError(f"{path}: a cell of {', '.join(names)} is not finite")
    return table


def existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file; a length-controlled win rate needs AlpacaEval's own, and is not estimated without"
        )
    return path
