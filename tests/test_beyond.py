"""What goes beyond the paper, with real parts: every variant to its model, and rewriting killed in the middle."""

import shutil
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.format import DASH
from humpback_exp.analysis.pages.loop import compared, results_tables
from humpback_exp.analysis.pages.result_tables import of_comparisons
from humpback_exp.config import RewriteConfig, ScoreConfig, TrainConfig
from humpback_exp.config import read as read_config
from humpback_exp.data.examples import training_examples
from humpback_exp.records import Candidate, RewrittenCandidate, ScoredCandidate, read
from humpback_exp.workflow.variants import VARIANTS
from tests.conftest import one_line_error, run
from tests.test_loop import FOLDERS, killed_when

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def varied(smoke: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke loop with every variant; only their own stages had to run."""
    root = tmp_path_factory.mktemp("varied") / "outputs"
    shutil.copytree(smoke, root)
    command = ["pipeline.py", "experiment=smoke", f"output_root={root}", f"variants=[{','.join(VARIANTS)}]"]
    result = run(*command)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("finished already, skipped") == len(FOLDERS)
    return root


def inputs(root: Path, folder: str) -> dict[str, str]:
    """Key -> the folder below the root that was read."""
    read_from = artifacts.load(root / folder).inputs
    return {
        key: Path(value["path"]).relative_to(root).as_posix()
        for key, value in read_from.items()
        if root in Path(value["path"]).parents
    }


def test_each_variant_differs_from_m1_in_what_it_reads(varied: Path) -> None:
    curated, candidates = "curated/m0-top0.5", "candidates/web"
    assert inputs(varied, "models/m1-rewrite") == {"data.scored": "rewritten/m0"}
    assert inputs(varied, "rewritten/m0") == {"scored": "scored/m0", "model_path": "models/m0"}
    for name in ("instruction_only", "backward_likelihood", "retrain"):
        assert inputs(varied, f"models/m1-{name}") == {"data.scored": f"scored/m0-{name}", "data.as_many_as": curated}
    blind = inputs(varied, "scored/m0-instruction_only")
    assert blind == {"model_path": "models/m0", "candidates": candidates}
    likely = inputs(varied, "scored/m0-backward_likelihood")
    assert likely == {"model_path": "models/m0", "backward_path": "models/backward", "candidates": candidates}
    assert inputs(varied, "models/backward-retrain") == {"data.scored": "scored/m0"}
    again = inputs(varied, "candidates/web-retrain")
    assert again == {"segments": "segments/web", "model_path": "models/backward-retrain"}
    assert inputs(varied, "scored/m0-retrain")["candidates"] == "candidates/web-retrain"


def test_variants_ask_as_they_should(varied: Path) -> None:
    asked = {name: read_config(varied / f"scored/m0-{name}/config.yaml", ScoreConfig) for name in list(VARIANTS)[1:]}
    blind, likely, again = asked["instruction_only"], asked["backward_likelihood"], asked["retrain"]
    assert (blind.scorer, blind.rubric.name, blind.rubric.rates_output) == ("expected", "instruction_only", False)
    assert (likely.scorer, likely.likelihood) == ("likelihood", "backward")
    assert (again.scorer, again.likelihood) == ("likelihood", "forward")
    assert read_config(varied / "models/backward-retrain/config.yaml", TrainConfig).data.direction == "backward"


def test_all_are_trained_on_as_many_pairs_as_m1(varied: Path) -> None:
    sizes = {name: artifacts.load(varied / "models" / name).rows["web"] for name in ["m1", "backward-retrain"]}
    sizes |= {name: artifacts.load(varied / f"models/m1-{name}").rows["web"] for name in VARIANTS}
    assert set(sizes.values()) == {8}


def test_the_retrained_backward_model_reads_the_pairs_of_m1(varied: Path) -> None:
    made = [read_config(varied / f"models/{name}/config.yaml", TrainConfig) for name in ("m1", "backward-retrain")]
    m1, backward = (training_examples(config.data, config.seed) for config in made)
    assert m1 == backward
    old, new = (list(read(varied / "candidates" / name, Candidate)) for name in ("web", "web-retrain"))
    assert [row.id for row in old] == [row.id for row in new]
    assert [row.instruction for row in old] != [row.instruction for row in new]


def test_every_variant_has_its_row_beside_m1(varied: Path) -> None:
    told, results = compared(str(varied), read_catalog(str(varied)))
    names = {"base", "M0", "M1", *(f"m1-{name}" for name in VARIANTS)}
    assert {row[0].text for row in results_tables(told, results)["heldout"].rows} >= names
    made = of_comparisons(results["variants"].stated)
    assert {row[0].text for row in made.rows} == {f"m1-{name} against M1" for name in VARIANTS}
    losses = [row for row in made.rows if row[1].text == "held-out loss, nats a token"]
    assert len(losses) == len(VARIANTS) and all(row[2].text != DASH for row in losses)
    page = (varied / "report.html").read_text()
    assert all(f"<tr><th>m1-{name}</th>" in page for name in VARIANTS)


def rewrite(smoke: Path, root: Path) -> list[str]:
    return [
        "rewrite.py", "tracking=none", f"output_root={root}", f"scored={smoke}/scored/m0", f"model_path={smoke}/models/m0",
        "min_score=null", "top_fraction=0.5", "chunk_size=2", "generation.max_new_tokens=400", "engine.dtype=float32",
    ]  # fmt: skip


def test_rewriting_killed_and_run_again(smoke: Path, tmp_path: Path) -> None:
    """The same bytes; the same rows, drafts and order as were selected."""
    killed_when(tmp_path / "broken/rewritten/m0/data/00001.parquet", *rewrite(smoke, tmp_path / "broken"))
    assert not (tmp_path / "broken/rewritten/m0/manifest.json").exists()
    for name in ("broken", "whole"):
        result = run(*rewrite(smoke, tmp_path / name))
        assert result.returncode == 0, result.stderr
    broken, whole = (artifacts.load(tmp_path / name / "rewritten/m0") for name in ("broken", "whole"))
    assert broken.files == whole.files and len(whole.files) == 4
    rows = list(read(tmp_path / "whole/rewritten/m0", RewrittenCandidate))
    made = read_config(smoke / "models/m1/config.yaml", TrainConfig)
    chosen = {row.id for row in training_examples(made.data, made.seed) if row.source == "web"}
    drafts = [(row.id, row.output) for row in read(smoke / "scored/m0", ScoredCandidate) if row.id in chosen]
    assert [(row.id, row.draft) for row in rows] == drafts
    assert whole.rows["rewritten"] + sum(whole.drops.values()) == whole.rows["candidates"] == 8
    assert read_config(tmp_path / "whole/rewritten/m0/config.yaml", RewriteConfig).min_score is None


def test_wrong_rewriters_are_refused_in_one_line(smoke: Path, tmp_path: Path) -> None:
    backward = run(*rewrite(smoke, tmp_path), f"model_path={smoke}/models/backward")
    assert "models/backward: a backward model; give one that answers" in one_line_error(backward)
    other = run(*rewrite(smoke, tmp_path), f"model_path={smoke}/models/m1")
    assert f"another model rated {smoke}/scored/m0; use model_path={smoke}/models/m0" in one_line_error(other)
    nothing = run(*rewrite(smoke, tmp_path), "min_score=9", "top_fraction=null")
    assert "min_score=9.0: keeps none of 16 candidates" in one_line_error(nothing)
