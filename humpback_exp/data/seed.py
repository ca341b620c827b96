"""Human pairs from disk: JSON lines, JSON, Parquet with instruction and output, or Open Assistant's released trees."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from humpback_exp.records import Example

Row = dict[str, Any]


def load_seed(path: str, key: str = "data.seed_path") -> list[Example]:
    """The pairs of a seed file, in its order. Rows without an `id` are numbered.

    Args:
        key: the config key that names the file, for messages.

    Raises:
        ValueError: no such file, unreadable, empty, or a row without instruction or output (named by its number).
    """
    if not Path(path).is_file():
        raise ValueError(f"{key}={path}: no such file; give JSON lines with instruction and output")
    examples = []
    for number, row in enumerate(_rows(Path(path), key), start=1):
        if "message_tree_id" in row:
            examples += _first_turn(row)
        else:
            examples.append(_pair(row, number, path))
    if not examples:
        raise ValueError(f"{key}={path}: holds no pairs; give JSON lines with instruction and output")
    ids = [example.id for example in examples]
    if len(set(ids)) < len(ids):
        twice = next(row_id for row_id in ids if ids.count(row_id) > 1)
        raise ValueError(f"{key}={path}: id {twice!r} stands twice; ids must differ")
    return examples


def _rows(path: Path, key: str) -> Iterator[Row]:
    if path.suffix == ".parquet":
        yield from pq.read_table(path).to_pylist()
        return
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            if path.suffix == ".json":
                yield from _checked(json.load(file), path)
                return
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _row(line, number, path)
    except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile, json.JSONDecodeError) as error:
        raise ValueError(f"{key}={path}: unreadable ({error})") from None


def _checked(rows: Any, path: Path) -> Iterator[Row]:
    """Rows of a JSON file that must be a list of objects."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path}: no list of objects; each must hold instruction and output")
    yield from rows


def _row(line: str, number: int, path: Path) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{number}: no JSON ({error.msg}); each line must be an object") from None
    if not isinstance(row, dict):
        raise ValueError(f"{path}:{number}: {type(row).__name__} instead of an object with instruction and output")
    return row


def _pair(row: Row, number: int, path: str) -> Example:
    for name in ("instruction", "output"):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise ValueError(f"{path}:{number}: no {name}; every pair needs instruction and output as text")
    row_id = str(row.get("id", f"seed-{number:05d}"))
    return Example(id=row_id, source="seed", instruction=row["instruction"].strip(), output=row["output"].strip())


def _first_turn(tree: Row) -> list[Example]:
    """The paper's choice from an Open Assistant tree: first turn, English, human, reply of rank 0 (section 3.1)."""
    root = tree["prompt"]
    if root.get("lang") != "en" or root.get("synthetic"):
        return []
    replies = [r for r in root["replies"] if r.get("rank") == 0 and r.get("lang") == "en" and not r.get("synthetic")]
    return [
        Example(
            id=tree["message_tree_id"], source="seed", instruction=root["text"].strip(), output=reply["text"].strip()
        )
        for reply in replies[:1]
    ]
