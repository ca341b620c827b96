"""known-good pairs + rating model -> gates: what each scorer and rubric makes of them, whole and corrupted.

This stage measures. Whether the chosen scorer passes is asked whenever the command is run
(`evaluation.gate.require_passed`), so that another bound needs no second measurement.
"""

import time
from collections import Counter
from functools import cache
from pathlib import Path

from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import GateConfig
from humpback_exp.data.seed import load_seed
from humpback_exp.evaluation import gate
from humpback_exp.evaluation.scorers.measure import measure
from humpback_exp.evaluation.scorers.models import load_models
from humpback_exp.inference.load import endpoint_record
from humpback_exp.progress import bar, counting, table
from humpback_exp.records import Rating, parts, read, write
from humpback_exp.stages.finish import finish_stage
from humpback_exp.tracking import Tracker


def run(config: GateConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Rate the known pairs by every combination; each is a file, and a file that exists is not measured again."""
    started = time.time()
    pairs = load_seed(config.gate.path, "gate.path", config.gate.dataset)
    known = gate.known_pairs(pairs, config.gate.pairs, config.seed)
    measured(config, known, artifact.folder)
    rows = list(read(artifact.folder, Rating))
    found = gate.table(rows)
    chosen = {key: value for key, value in found[0].items() if isinstance(value, float)}
    manifest = finish_stage(
        artifact,
        tracker,
        title=None,
        started=started,
        rows={"pairs": len({pair.id for pair in known}), "ratings": len(rows)},
        drops=dict(Counter(row.dropped for row in rows if row.dropped)),
        metrics=chosen | {"table": found} | endpoint_record(config.engine, config.model_path, config.backward_path),
        tables={"gate": found},
    )
    print(f"\ngate {config.name}: good pairs against corrupted ones\n" + table(found), flush=True)
    return manifest


def measured(config: GateConfig, known: list[gate.Known], folder: Path) -> None:
    """Write `data/NNNNN.parquet`, one file a combination, the chosen one first."""
    models = cache(lambda: load_models(config))  # only where something is left to be measured
    work = [(scorer, rubric, gate.asked(known, scorer, rubric)) for scorer, rubric in gate.combinations(config)]
    done = len(parts(folder))
    with bar(sum(len(pairs) for _, _, pairs in work), f"gate {config.name}") as progress:
        progress.update(sum(len(pairs) for _, _, pairs in work[:done]))
        for number, (scorer, rubric, pairs) in enumerate(work[done:], start=done):
            texts = [(pair.instruction, pair.output) for pair in pairs]
            ids = [f"{pair.id}:{pair.kind}" for pair in pairs]
            rated = measure(models(), config, scorer, rubric, texts, ids, counting(progress))
            rows = gate.ratings(pairs, rated, scorer, rubric.name)
            write(folder / "data" / f"{number:05d}.parquet", Rating, rows)
