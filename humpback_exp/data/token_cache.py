"""Tokens on disk: made once for everything that shapes them, memory-mapped ever after.

One Arrow file below `output_root/cache`, named after the digest of what went in, so that a start costs the same at
3,000 examples and at 500,000. Examples that do not fit stand in it without tokens: one in, one row.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from humpback_exp import reasons
from humpback_exp.artifacts import digest
from humpback_exp.config import DataConfig, identity
from humpback_exp.config.bounds import require
from humpback_exp.data.tokenize import IGNORED, Tokens, encode_fitting
from humpback_exp.distributed import rank
from humpback_exp.progress import bar
from humpback_exp.prompts import BACKWARD, TAGS
from humpback_exp.records import Example
from humpback_exp.turn_marks import tokenizer_marks

TEXTS = {name: pa.string() for name in ("id", "source", "outcome")}
SCHEMA = pa.schema(TEXTS | {"ids": pa.list_(pa.int32()), "labelled": pa.int32()})
BATCH = 4096
"""Rows of a record batch: what writing holds in memory."""


class TokenCache(Sequence[Tokens]):
    """The encoded examples that fit, read from the file as they are asked for."""

    def __init__(self, path: Path) -> None:
        self.table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        outcomes = np.asarray(self.table["outcome"])
        self.kept = np.flatnonzero(outcomes != reasons.TOO_LONG)
        self.counts = {name: count for name, count in Counter(outcomes.tolist()).items() if name}
        self.labelled = int(self.table["labelled"].to_numpy().sum())
        self.total = sum(len(chunk.flatten()) for chunk in self.table["ids"].chunks)

    def __len__(self) -> int:
        return len(self.kept)

    def __getitem__(self, index: Any) -> Any:
        row = int(self.kept[index])
        ids = self.table["ids"][row].values.to_numpy()
        prompt = len(ids) - self.table["labelled"][row].as_py()
        return Tokens(self.table["id"][row].as_py(), ids, np.where(np.arange(len(ids)) < prompt, IGNORED, ids))

    def row_ids(self, source: str) -> list[str]:
        """Ids of the rows from `source` that fit, in order."""
        rows = self.table.select(["id", "source"]).take(self.kept).to_pylist()
        return [row["id"] for row in rows if row["source"] == source]


def cached_tokens(
    root: Path,
    tokenizer: Any,
    config: DataConfig,
    seed: int,
    inputs: dict[str, Any],
    examples: Callable[[], list[Example]],
) -> TokenCache:
    """The tokens of `examples()`, which is called only where they are not in the cache yet.

    The first rank writes; the others wait for the file.

    Args:
        root: the folder of the cache.
        seed: of the selection of web pairs.
        inputs: fingerprints of the files and folders that `examples` reads.

    Raises:
        ValueError: no example fits, or an input is unreadable.
    """
    shapes = [inputs, identity(config), seed, tokenizer.backend_tokenizer.to_str(), tokenizer.eos_token_id]
    shapes += [tokenizer.chat_template, TAGS, tokenizer_marks(tokenizer).pattern.pattern]
    shapes += [BACKWARD] if config.direction == "backward" else []
    path = root / f"{digest(shapes)[:24]}.arrow"
    if rank() == 0 and not path.exists():
        _write(path, tokenizer, config, examples())
    while not path.exists():
        time.sleep(0.1)
    store = TokenCache(path)
    remedy = f"none of {store.table.num_rows} examples fits; raise it or set data.overlong"
    require(len(store) > 0, "data.max_length", config.max_length, remedy)
    return store


def _write(path: Path, tokenizer: Any, config: DataConfig, examples: list[Example]) -> None:
    """Encode all, then rename: a file under its name is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.tmp")
    with pa.OSFile(str(scratch), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        rows = _rows(tokenizer, config, examples)
        while batch := list(islice(rows, BATCH)):
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=SCHEMA))
    scratch.replace(path)


def _rows(tokenizer: Any, config: DataConfig, examples: list[Example]) -> Iterator[dict[str, Any]]:
    with bar(len(examples), "tokenize") as progress:
        for example in examples:
            tokens, outcome = encode_fitting(tokenizer, example, config)
            fits = outcome != reasons.TOO_LONG
            yield {
                "id": example.id,
                "source": example.source,
                "outcome": outcome,
                "ids": tokens.ids if fits else [],
                "labelled": tokens.label_count if fits else 0,
            }
            progress.update()
