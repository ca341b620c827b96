"""model -> what is measured of it by name: losses, answers and verdicts on held-out human pairs, and more."""

import time
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

from humpback_exp import artifacts, reasons
from humpback_exp.artifacts import Artifact, Manifest
from humpback_exp.config import EvaluateConfig
from humpback_exp.config.bounds import require
from humpback_exp.evaluation import heldout, heldout_sets, question_selection
from humpback_exp.evaluation.answered import answered
from humpback_exp.evaluation.benchmarks import run as benchmarks
from humpback_exp.evaluation.judge.annotated import write_outputs
from humpback_exp.evaluation.judge.measure import calibration_of, check_judge, judged, tell_unjudged, unjudged
from humpback_exp.evaluation.judge.opponents import comparisons
from humpback_exp.evaluation.judge.verdicts import summary
from humpback_exp.evaluation.leaderboard import as_table, published, row_of
from humpback_exp.evaluation.measurement import Evaluation, Measured, Measurement
from humpback_exp.evaluation.safety import measure as safety
from humpback_exp.inference.load import endpoint_record, load_engine
from humpback_exp.inference.protocol import Engine
from humpback_exp.planning.tensor_parallel import shared_engine
from humpback_exp.progress import log
from humpback_exp.stages.finish import finish_stage, samples
from humpback_exp.tracking import Tracker


def run(config: EvaluateConfig, artifact: Artifact, tracker: Tracker) -> Manifest:
    """Take the measurements that the folder lacks, and add their figures to those it has."""
    started, made = time.time(), artifact.manifest
    held = artifacts.measured(artifacts.load(artifact.folder)) if artifacts.is_finished(artifact.folder) else []
    names = [name for name in config.measurements if name not in held]
    evaluation = Evaluation(config, artifact.folder)
    asked = [measurement(name) for name in names]
    for one in asked:
        one.check(evaluation)
    made.measured = [*held, *names]
    found = [one.measure(evaluation) for one in asked]
    rows, drops, metrics = {"pairs": 0} | made.rows, dict(made.drops), dict(made.metrics)
    tables: dict[str, list[dict[str, Any]]] = {}
    for each in found:
        rows |= each.rows
        drops |= each.drops
        metrics |= each.metrics
        tables |= each.tables
    return finish_stage(
        artifact,
        tracker,
        f"evaluate {config.name}",
        started=started,
        rows=rows,
        drops=drops,
        metrics=metrics | endpoint_record(config.engine, config.model_path, config.judge.path),
        tables=tables | leaderboard_table(replace(made, metrics=metrics, drops=drops)),
    )


def leaderboard_table(manifest: Manifest) -> dict[str, list[dict[str, Any]]]:
    """For W&B, a win rate beside the paper's; nothing where nothing was judged."""
    own = row_of(manifest)
    return {"leaderboard": as_table([own, *published()])} if own else {}


def check_pairs(evaluation: Evaluation) -> None:
    """Raise the ValueError of prompts without outputs, which can only be answered and judged."""
    config, measured = evaluation.config, any(pair.output for pair in evaluation.pairs)
    remedy = "prompts without outputs have no loss to measure; set judge.path= to have answers written and judged"
    require(measured or "judge" in config.measurements, "heldout", config.heldout, remedy)


def measure_heldout(evaluation: Evaluation) -> Measured:
    """The mean loss of the human answers; no figure of prompts that have none."""
    rows = answered(evaluation)
    return Measured(
        metrics=(heldout.summary(rows) if any(row.human for row in rows) else {}) | evaluation.overlap,
        rows={"pairs": len(rows)},
        drops=Counter(reasons.NO_LOSS + why for row in rows if row.human and (why := heldout.why_unmeasured(row))),
        tables={"answers": samples(rows, "instruction", "human", "answer", "loss")},
    )


def measure_change(evaluation: Evaluation) -> Measured:
    """How the loss differs from the reference's on the same pairs."""
    return Measured(metrics=heldout.difference(answered(evaluation), evaluation.reference))


def check_change(evaluation: Evaluation) -> None:
    """Raise the ValueError of a reference with losses of other answers."""
    heldout.require_same_pairs(evaluation.pairs, evaluation.reference, "heldout", evaluation.config.reference)


def check_opponents(evaluation: Evaluation) -> None:
    """Raise the ValueError of a file of the judge's that cannot be used, or of a reference without answers to compare with."""
    check_judge(evaluation.config)
    if not evaluation.reference:
        log.info("%s: no reference=, so answers are written but not compared", evaluation.config.name)


def measure_judge(evaluation: Evaluation) -> Measured:
    """The win rate against the reference; without one, answers that others can be compared with."""
    config, rows = evaluation.config, answered(evaluation)
    write_outputs(evaluation.folder, config, rows)
    found = Measured(
        metrics=evaluation.overlap,
        rows={"pairs": len(rows)},
        tables={"answers": samples(rows, "instruction", "human", "answer", "loss")},
    )
    if config.reference:
        compared = comparisons(rows, evaluation.reference)
        verdicts = judged(config, compared, evaluation.folder, lambda: load_judge(evaluation))
        found.metrics |= summary(verdicts, compared, placed=config.judge.annotations is None) | calibration_of(
            evaluation.folder
        )
        found.drops = unjudged(rows, evaluation.reference, verdicts)
        tell_unjudged(config, found.drops, len(verdicts))
    return found


def load_judge(evaluation: Evaluation) -> Engine:
    """The judge's engine. A judge that is the model itself is not loaded twice."""
    config, judge = evaluation.config, evaluation.config.judge
    assert judge.path is not None
    if (judge.path, judge.template) == (config.model_path, config.template) and judge.engine is None:
        return evaluation.engine
    return load_engine(judge.engine or shared_engine(config), judge.path, "judge.path", judge.template)


MEASUREMENTS = {
    "heldout": Measurement(measure_heldout, check_pairs),
    "heldout_change": Measurement(measure_change, check_change),
    "judge": Measurement(measure_judge, check_opponents),
    "heldout_sets": Measurement(heldout_sets.measure, heldout_sets.check),
    "safety": Measurement(safety.measure, safety.check),
    "question_selection": Measurement(question_selection.measure, question_selection.check),
}
"""By the names that `evaluations=` takes beside benchmarks; `config/measurements.py` says which settings concern which."""


def measurement(name: str) -> Measurement:
    """The measurement of a name; those that `MEASUREMENTS` lacks are benchmarks."""
    asked = partial(benchmarks.measure, name=name)
    return MEASUREMENTS.get(name) or Measurement(asked, partial(benchmarks.check, name=name))
