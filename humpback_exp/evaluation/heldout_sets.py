"""Loss on further held-out sets beside the one of `heldout`, each under its name and with its own change and error."""

from humpback_exp.evaluation import heldout
from humpback_exp.evaluation.measurement import Evaluation, Measured, named
from humpback_exp.progress import bar, counting
from humpback_exp.records import Answer, read_file, write

FOLDER = "heldout_sets"
"""Of an evaluation's folder; a file for each set."""


def check(evaluation: Evaluation) -> None:
    """Raise the ValueError of a reference that was measured on other pairs under a set's name."""
    for name, pairs in evaluation.sets.items():
        there = evaluation.of_reference(f"{FOLDER}/{name}.parquet", Answer)
        key = f"heldout_sets.{name}"
        heldout.require_same_pairs(pairs, {row.id: row for row in there}, key, evaluation.config.reference)


def measure(evaluation: Evaluation) -> Measured:
    """The figures of every set: `heldout_loss/NAME`, `heldout_change/NAME` and their errors."""
    found = Measured()
    for name in evaluation.sets:
        rows = rows_of(evaluation, name)
        there = evaluation.of_reference(f"{FOLDER}/{name}.parquet", Answer)
        figures = heldout.summary(rows) | heldout.difference(rows, {row.id: row for row in there}, name)
        found.metrics |= named(figures, name)
        found.rows[f"pairs of {name}"] = len(rows)
    return found


def rows_of(evaluation: Evaluation, name: str) -> list[Answer]:
    """The rows of a set, which are measured once."""
    path, pairs = evaluation.folder / FOLDER / f"{name}.parquet", evaluation.sets[name]
    if not path.exists():
        with bar(len(pairs), f"{evaluation.config.name}: {name}") as progress:
            losses = heldout.losses(evaluation.engine, pairs, evaluation.config.tags, counting(progress))
        rows = [heldout.unmeasured(pair) for pair in pairs]
        write(path, Answer, [heldout.with_loss(row, *loss) for row, loss in zip(rows, losses, strict=True)])
    return list(read_file(path, Answer))
