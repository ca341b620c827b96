"""The same data and seed give the same losses, however a step is computed: the card of `docs/training.md`.

    python benchmarks/parity.py

Trains the tiny model in fp32 with train.py in every way below and prints the largest relative difference of any step's
loss to one process that takes the whole batch at once, padded.
"""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

RANKS = {
    "one process": [],
    "two DDP ranks": ["trainer.devices=2", "trainer.strategy=ddp"],
    "two ZeRO-3 ranks": ["trainer.devices=2", "trainer.strategy=zero3", "trainer.persistence_threshold=100"],
}
BATCHES = {"padded": ["trainer.padding_free=false"], "padding-free": ["trainer.padding_free=true"]}
SPLITS = {"whole": ["trainer.micro_batch={whole}"], "accumulated": ["trainer.micro_batch=1"]}
KEPT = {"": ["trainer.gradient_checkpointing=false"], "checkpointing": ["trainer.gradient_checkpointing=true"]}
CELLS = list(itertools.product(RANKS, BATCHES, SPLITS, KEPT))
REFERENCE = CELLS[0]
SETTINGS = [
    "experiment=m0", "model=tiny", "model.dropout=0", "tracking=none", "trainer.precision=fp32", "data.max_length=1024",
    "optim.batch_size=8", "optim.max_steps=3", "optim.lr=0.001", "optim.clip=0.5",
]  # fmt: skip
"""The clipping bound lies below the norm of the gradients, so that a wrongly scaled gradient shows in the next loss."""


def losses(cell: tuple[str, str, str, str], root: Path) -> list[float]:
    """The loss of every step, trained in `root`."""
    ranks, batch, split, kept = cell
    whole = 8 if ranks == "one process" else 4
    ways = [*RANKS[ranks], *BATCHES[batch], *(part.format(whole=whole) for part in SPLITS[split]), *KEPT[kept]]
    command = [sys.executable, "train.py", *SETTINGS, *ways, f"output_root={root}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = (root / "models/m0/history.csv").read_text().splitlines()[1:]
    return [float(line.split(",")[1]) for line in lines]


def difference(ours: list[float], reference: list[float]) -> float:
    """Largest relative difference of any step."""
    return max(abs(a - b) / b for a, b in zip(ours, reference, strict=True))


def main() -> None:
    from humpback_exp.progress import table

    with tempfile.TemporaryDirectory() as folder:
        found = {cell: losses(cell, Path(folder) / str(number)) for number, cell in enumerate(CELLS)}
    rows = []
    for batch, split, kept in itertools.product(BATCHES, SPLITS, KEPT):
        row: dict[str, object] = {"": ", ".join(part for part in (batch, split, kept) if part)}
        for ranks in RANKS:
            row[ranks] = f"{1e6 * difference(found[ranks, batch, split, kept], found[REFERENCE]):.2f} ppm"
        rows.append(row)
    print(f"losses of the reference: {found[REFERENCE]}\n{table(rows)}")


if __name__ == "__main__":
    main()
