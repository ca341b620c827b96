"""One table of runs: a row for every finished folder, with its settings, figures and lineage, for notebooks.

`COLUMNS` are in every table. The others come from the manifests, None where a folder lacks them:

    settings.KEY              a key of its config; lists and keys of mixed types as JSON
    rows.NAME, drops.REASON   rows counted, and rows dropped for a reason
    metrics.NAME              a figure
    inputs.KEY                what was read as this config key: the `run` of a folder in the table, else a path or a Hub id
    inputs.KEY.fingerprint    what lay there when it was read
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from humpback_exp.analysis.folders import group_of
from humpback_exp.artifacts.catalog import Catalog, Folder, ancestors, inputs_of

COLUMNS = {
    "run": "kind/name, as below output_root; in a loop of its own below that, the loop's folder before it",
    "kind": "segments, models, candidates, gates, scored, curated, rewritten or evals",
    "name": "the run's name",
    "fingerprint": "of its settings and inputs",
    "group": "tracking.group of its frozen config",
    "finished_at": "UTC",
    "seconds": "the stage took, in its last session",
    "git_commit": "of the code; + where it had local changes",
    "made_from": "every folder of the table it was made from, directly or not, joined by commas",
}
"""Column -> what it holds."""


def table(catalog: Catalog) -> pa.Table:
    """A row for every finished folder, in the catalog's order."""
    rows = [_row(catalog, folder) for folder in catalog.folders]
    names = [*COLUMNS, *sorted({name for row in rows for name in row} - COLUMNS.keys())]
    # a drop reason or a model's name may hold half a character, which no table can
    return pa.table({_whole(name): _column([row.get(name) for row in rows]) for name in names})


def write(found: pa.Table, path: Path) -> None:
    """As Parquet or CSV, by the name's end; whole or not at all."""
    scratch = path.with_name(f".{path.name}.tmp")
    (pyarrow.csv.write_csv if path.suffix == ".csv" else pyarrow.parquet.write_table)(found, scratch)
    scratch.replace(path)


def _row(catalog: Catalog, folder: Folder) -> dict[str, Any]:
    made = folder.manifest
    row: dict[str, Any] = {"run": folder.label, "kind": folder.kind, "name": folder.name}
    row |= {"fingerprint": folder.fingerprint, "group": group_of(folder.path), "finished_at": made.finished_at}
    row |= {"seconds": made.wall_seconds, "git_commit": made.git_commit}
    row["made_from"] = ", ".join(one.label for one in ancestors(made, catalog.find))
    for prefix in ("rows", "drops", "metrics"):
        row |= {f"{prefix}.{name}": value for name, value in getattr(made, prefix).items()}
    row |= {f"settings.{key}": value for key, value in made.config.items()}
    for one in inputs_of(made):
        there = catalog.find(one)
        row[f"inputs.{one.key}"] = there.label if there else one.path
        row[f"inputs.{one.key}.fingerprint"] = one.fingerprint
    return row


def _column(values: Sequence[Any]) -> pa.Array:
    """Of one scalar type where all values have one, integers among floats included; else of JSON, like integers beyond 64 bits."""
    try:
        array = pa.array([_whole(value) if isinstance(value, str) else value for value in values])
        if pa.types.is_null(array.type):
            return array.cast(pa.string())
        if not pa.types.is_nested(array.type):
            return array
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    return pa.array([None if value is None else json.dumps(value) for value in values], pa.string())


def _whole(text: str) -> str:
    """A lone surrogate written as its escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
