"""The gate as a user meets it: it stops a dear scoring in one line, and another bound costs nothing."""

import time
from pathlib import Path

import pytest

from humpback_exp import artifacts, reasons
from humpback_exp.config import AugmentConfig
from humpback_exp.records import Candidate, Rating, read, write
from tests.conftest import one_line_error, run

pytestmark = pytest.mark.slow


def test_a_rater_that_cannot_be_read_is_stopped_before_it_scores(tiny: str, tmp_path: Path) -> None:
    """A random model writes nothing readable."""
    artifact = artifacts.begin(AugmentConfig(output_root=str(tmp_path), name="web", segments="s", model_path="m"))
    texts = {"url": "u", "heading_path": [], "instruction": "Name a river.", "output": "Indus", "raw": ""}
    write(artifact.folder / "data/00000.parquet", Candidate, [Candidate(id="a", offset=0, **texts)])
    artifacts.finish(artifact, started=time.time(), rows={"candidates": 1})
    curate = [
        "curate.py", "tracking=none", f"output_root={tmp_path}", f"model_path={tiny}", "engine.dtype=float32",
        "generation.max_new_tokens=8", "attempts=1", "compare=0", "min_score=null", "gate.pairs=3",
    ]  # fmt: skip
    said = one_line_error(run(*curate))
    (gate,) = (tmp_path / "gates").glob("m0-generated-five_point-*")
    assert said == (
        f"{gate}: scorer=generated rubric=five_point of {tiny} is not fit to score: readable 0.00 "
        "(gate.min_readable=0.5), AUC against shuffled outputs 0.00 (gate.min_auc=0.6), AUC against truncated outputs 0.00 "
        "(gate.min_auc_truncated=0); try scorer=expected or likelihood, a longer generation.max_new_tokens, or a larger rating "
        "model; another bound needs no second measurement, and gate.pairs=0 goes without a gate"
    )
    assert not (tmp_path / "scored").exists()
    rows = list(read(gate, Rating))
    assert [row.kind for row in rows] == ["true"] * 3 + ["shuffled"] * 3 + ["truncated"] * 3
    assert all(row.score is None and row.dropped == reasons.UNFINISHED and len(row.raw[0]) > 0 for row in rows)

    measured = (gate / "data/00000.parquet").stat().st_mtime_ns
    assert one_line_error(run(*curate)) == said
    lower = run(*curate, "gate.min_readable=0", "gate.min_auc=0")
    assert lower.returncode == 0, lower.stderr
    assert f"{gate}: finished already, skipped" in lower.stderr
    assert (gate / "data/00000.parquet").stat().st_mtime_ns == measured
    assert artifacts.load(tmp_path / "scored/m0").rows == {"candidates": 1, "readable": 0, "abandoned": 1}


def test_the_gate_alone_compares_rubrics_and_scorers(tiny: str, tmp_path: Path) -> None:
    command = [
        "gate.py", "tracking=none", f"output_root={tmp_path}", "name=tiny", f"model_path={tiny}", "engine.dtype=float32",
        "generation.max_new_tokens=8", "attempts=1", "gate.pairs=2", "gate.min_auc=0", "scorer=expected",
        "scorers=[likelihood,generated]", "+rubric@rubrics.additive=additive",
    ]  # fmt: skip
    result = run(*command)
    assert result.returncode == 0, result.stderr
    manifest = artifacts.load(tmp_path / "gates/tiny")
    assert [(row["scorer"], row["rubric"], row["readable"]) for row in manifest.metrics["table"]] == [
        ("expected", "five_point", 1.0),
        ("expected", "additive", 1.0),
        ("likelihood", "", 1.0),
        ("generated", "five_point", 0.0),
        ("generated", "additive", 0.0),
    ]
    assert manifest.rows == {"pairs": 2, "ratings": 30}
    assert manifest.metrics["auc_shuffled"] == manifest.metrics["table"][0]["auc_shuffled"]
    assert len(manifest.files) == 5
