"""Human pairs from wherever they lie, checked row by row: seed, held-out pairs and those of the gate."""

import heapq
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean, pstdev

from humpback_exp.config import DataConfig, DatasetConfig
from humpback_exp.config.bounds import require
from humpback_exp.config.measurements import OTHER_QUESTIONS
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.data.hub import OPTIONS
from humpback_exp.data.open_assistant import Messages, tree_pair
from humpback_exp.data.pinning import is_here
from humpback_exp.data.shapes import Columns, lacks, pair_columns, renamed, row_id, text
from humpback_exp.data.sources import find_files
from humpback_exp.data.tables import read_rows
from humpback_exp.records import Example

PROMPTS = "heldout"
"""The config key of pairs that may lack an output: models answer their prompts, but there is no loss to measure."""
NO_PAIRS = "holds no pairs; give JSON lines with instruction and output"
MAX_CHECKED = 64 << 20
"""Bytes of a file that is read whole before anything starts (ours); that takes a second."""
PAPER = "148 ± 322 and 1,072 ± 818 in the paper's 3,200"
"""Characters of the paper's seed (Table 2)."""


def load_seed(
    path: str,
    key: str = "data.seed_path",
    dataset: DatasetConfig | None = None,
    size: int | None = None,
    seed: int = 0,
) -> list[Example]:
    """The pairs of a file, a folder or a Hub dataset, in its order. Rows without an `id` are numbered.

    Args:
        key: the config key that names the source, for messages.
        dataset: which part of it, and the names of its columns.
        size: this many instead, drawn by the seeded order and in it; no more are in memory at a time.

    Raises:
        ValueError: no such source, unreadable, empty, smaller than `size`, or a row without instruction or output (named by
            file, number and column).
    """
    dataset = dataset or DatasetConfig()
    pairs, most = read_pairs(path, key, dataset), size or dataset.most
    if most is None:
        examples = list(pairs)
    else:
        examples = heapq.nsmallest(most, pairs, key=lambda row: shuffled_rank(seed, row.id))
    if not examples:
        raise ValueError(f"{key}={path}: {NO_PAIRS}")
    if size is not None:
        _require_enough(len(examples), size, path)
    return examples


def check_pairs(path: str, key: str, dataset: DatasetConfig) -> None:
    """Raise the ValueError of pairs on this machine that cannot be read; of large files only the place is looked at."""
    if Path(path).is_file() and Path(path).stat().st_size <= MAX_CHECKED:
        require(count_pairs(path, key, dataset) > 0, key, path, NO_PAIRS)
    elif Path(path).exists():
        find_files(path, dataset, key)


def check_questions(path: str, key: str, dataset: DatasetConfig) -> None:
    """Raise the ValueError of pairs on this machine with too few questions to select from; large files are not looked at."""
    if Path(path).is_file() and Path(path).stat().st_size <= MAX_CHECKED:
        require_questions(load_seed(path, key, dataset), key, path)


def require_questions(pairs: Sequence[Example], key: str, path: str) -> None:
    """Raise unless each answer can be read behind as many other questions as `question_selection` takes."""
    different, needed = len({pair.instruction for pair in pairs if pair.output}), OTHER_QUESTIONS + 1
    remedy = f"question_selection needs {needed} different questions with outputs, and there are {different}; add some"
    require(different >= needed, key, path, remedy)


def check_size(data: DataConfig) -> None:
    """Raise the ValueError of a seed that holds fewer pairs than are asked for; a plan need not have it on its machine."""
    if data.seed_path is not None and data.seed_size is not None and is_here(data.seed_path, data.dataset):
        _require_enough(count_pairs(data.seed_path, "data.seed_path", data.dataset), data.seed_size, data.seed_path)


def _require_enough(count: int, size: int, path: str) -> None:
    remedy = f"{path} holds {count} pairs; lower it or give a larger data.seed_path"
    require(count >= size, "data.seed_size", size, remedy)


def read_pairs(path: str, key: str, dataset: DatasetConfig) -> Iterator[Example]:
    """The pairs of a source one after the other.

    Raises:
        ValueError: as `load_seed` says, or the source has not `dataset.count` rows, which is known when all are read.
    """
    seen, left_out = set[str](), _prompts(dataset.without, key)
    for where, number, columns in _rows(path, key, dataset):
        example = Example(
            id=row_id(columns, number, where),
            source="seed",
            instruction=text(columns, "instruction", where).strip(),
            output=_output(columns, where, key, dataset),
        )
        if example.id in seen:
            raise ValueError(f"{key}={path}: id {example.id!r} stands twice; ids must differ")
        seen.add(example.id)
        if example.instruction not in left_out:
            yield example
    if dataset.count not in (None, len(seen)):
        which = f" of {dataset.subset}" if dataset.subset else ""
        raise ValueError(
            f"{key}={path}: has {len(seen)} rows{which}, not {OPTIONS.get(key, key)}.count={dataset.count}; get it whole"
        )


def _output(columns: Columns, where: str, key: str, dataset: DatasetConfig) -> str:
    if dataset.prompts_only or (key == PROMPTS and lacks(columns, "output")):
        return ""
    return text(columns, "output", where).strip()


def _prompts(path: str | None, key: str) -> set[str]:
    """The instructions of a source, whatever their outputs; none without one."""
    whole = DatasetConfig(prompts_only=True)
    return {row.instruction for row in read_pairs(path, key, whole)} if path else set()


@cache
def count_pairs(path: str, key: str, dataset: DatasetConfig) -> int:
    """How many pairs a source holds; counted once, for checks of many stages before they are started."""
    return sum(1 for _ in read_pairs(path, key, dataset))


def _rows(path: str, key: str, dataset: DatasetConfig) -> Iterator[tuple[str, int, Columns]]:
    """Of each pair the file and number of its row, its number in the whole source, and its columns."""
    messages, number = Messages(), 0
    files = find_files(path, dataset, key)
    for file in files.paths:
        for line, row in read_rows(file, key):
            where, number = f"{file}:{line}", number + 1
            if dataset.subset is not None and row.get("dataset") != dataset.subset:
                continue
            if "message_tree_id" not in row:
                columns = renamed(row, dataset.columns.named, where, f"{OPTIONS.get(key, key)}.columns")
                yield where, number, pair_columns(columns, where)
            elif "message_id" in row and "prompt" not in row:
                messages.add(row, where)
            elif found := tree_pair(row, where):
                yield where, number, found
    if files.rows not in (None, number):
        raise ValueError(
            f"{key}={path}: has {number} rows of {files.rows} that its card tells of; fetch or copy it again"
        )
    for where, columns in messages.pairs():
        yield where, number, columns


def lengths(examples: Sequence[Example]) -> str:
    """How many pairs there are and how long, beside the paper's, in words."""
    sides = [[len(row.instruction) for row in examples], [len(row.output) for row in examples]]
    said = " and ".join(f"{fmean(side):,.0f} ± {pstdev(side):,.0f}" for side in sides)
    return f"{len(examples):,} pairs, instruction and output {said} characters ({PAPER})"
