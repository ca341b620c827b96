"""AlpacaEval's files: answers (`model_outputs.json`) and verdicts about them (`annotations.json`), joined by instruction.

A preference lies in [1, 2]: 1 where the baseline's answer (`output_1`) is better, 2 where the model's (`output_2`) is, 1.5 for a
tie; a weighted judge says how sure it is. AlpacaEval's first files hold 0 for a tie.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import write_text

TIE = 1.5
BY_INSTRUCTION = "rows are joined by their instruction, so that it must stand once"


@dataclass(frozen=True, slots=True)
class Output:
    """A model's answer to one instruction."""

    instruction: str
    output: str
    generator: str
    """The model's name."""
    dataset: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """A verdict about one instruction."""

    instruction: str
    output_1: str
    """The baseline's answer."""
    output_2: str
    """The model's answer."""
    dataset: str
    preference: float | None
    """In [1, 2]; None where the judge's reply could not be read."""
    generator_1: str = ""
    generator_2: str = ""
    annotator: str = ""
    """The judge's name."""

    @property
    def share(self) -> float | None:
        """The preference for the model in [0, 1]."""
        return None if self.preference is None else self.preference - 1


def read_outputs(path: Path) -> dict[str, Output]:
    """Instruction without blanks around it -> answer, of a `model_outputs.json`; a null one is empty.

    Raises:
        ValueError: no list of answers, a row without text, or an instruction that stands twice.
    """
    rows = [_output(row, place) for row, place in _rows(path, "model_outputs.json")]
    _require_once(path, [row.instruction for row in rows])
    return {row.instruction.strip(): row for row in rows}


def read_instructions(path: Path) -> list[str]:
    """The instructions of a `model_outputs.json` in its order, whether or not they were answered."""
    return [_output(row, place).instruction for row, place in _rows(path, "model_outputs.json")]


def read_annotations(path: Path) -> list[Annotation]:
    """The verdicts of an `annotations.json`.

    Raises:
        ValueError: no list of verdicts, a column lacks, a preference is none, or an instruction stands twice.
    """
    annotations = [annotation(row, place) for row, place in _rows(path, "annotations.json")]
    _require_once(path, [each.instruction for each in annotations])
    return annotations


def write_rows(path: Path, rows: Sequence[Output] | Sequence[Annotation]) -> None:
    """Write answers or verdicts as AlpacaEval reads them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False))


def _rows(path: Path, name: str) -> list[tuple[dict[str, Any], str]]:
    """The objects of a list in a file, each with its place for messages."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); give AlpacaEval's {name}") from None
    if not isinstance(rows, list) or not rows:
        raise ValueError(f"{path}: holds no list of rows; give AlpacaEval's {name}")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise ValueError(f"{path}, row {number}: is {type(row).__name__}, no object; give AlpacaEval's {name}")
    return [(row, f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def _require_once(path: Path, instructions: Iterable[str]) -> None:
    twice = [text for text, count in Counter(each.strip() for each in instructions).items() if count > 1]
    if twice:
        raise ValueError(
            f"{path}: {len(twice)} instructions stand more than once ({twice[0][:60]!r}); {BY_INSTRUCTION}"
        )


def _texts(row: Mapping[str, Any], place: str, *names: str) -> list[str]:
    missing = [name for name in names if not isinstance(row.get(name), str)]
    if missing:
        raise ValueError(f"{place}: {', '.join(missing)} must be text")
    return [row[name] for name in names]


def _output(row: dict[str, Any], place: str) -> Output:
    (instruction,) = _texts(row, place, "instruction")
    (output,) = [""] if row.get("output") is None else _texts(row, place, "output")
    return Output(instruction, output, str(row.get("generator") or ""), str(row.get("dataset") or ""))


def annotation(row: dict[str, Any], place: str) -> Annotation:
    """A row of the file as a verdict; `place` names it in errors."""
    instruction, output_1, output_2 = _texts(row, place, "instruction", "output_1", "output_2")
    if "preference" not in row:
        raise ValueError(f"{place}: lacks preference")
    told = row["preference"]
    unread = told is None or (isinstance(told, float) and math.isnan(told))
    if not unread and (isinstance(told, bool) or not isinstance(told, int | float)):
        raise ValueError(f"{place}: preference={told!r}: must be a number in [1, 2], 0 for a tie, or null")
    preference = None if unread else TIE if told == 0 else float(told)
    if preference is not None and not 1 <= preference <= 2:
        raise ValueError(f"{place}: preference={told}: must lie in [1, 2], or be 0 for a tie or null")
    names = [str(row.get(name) or "") for name in ("generator_1", "generator_2", "annotator")]
    return Annotation(instruction, output_1, output_2, str(row.get("dataset") or ""), preference, *names)
