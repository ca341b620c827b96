"""The naming scheme, without W&B."""

from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts.catalog import nearest_ancestors
from humpback_exp.artifacts.manifest import FLOW
from humpback_exp.config import STAGES, TrackingConfig, TrainConfig
from humpback_exp.tracking import names
from humpback_exp.tracking.tracker import STRAY, forget_strays
from humpback_exp.tracking.wandb_artifacts import allowed, sources
from tests.tracking.folders import chain, finish


def test_the_summary_has_one_scheme_for_all_stages(tmp_path: Path) -> None:
    _, config = chain(tmp_path / "outputs")
    made = finish(config)
    assert names.summary(made) == {
        "rows/in": 3,
        "rows/out": 1,
        "rows/scored": 3,
        "rows/curated": 1,
        "drops/page_too_short": 1,
        "seconds": made.wall_seconds,
        "histogram/4": 1,
        "histogram/5": 1,
        "mean_score": 4.5,
    }


def test_every_kind_says_what_went_in_and_out() -> None:
    assert {cls.kind for cls in STAGES.values()} == FLOW.keys()


def test_sources_are_named_and_aliased_by_their_fingerprint(tmp_path: Path) -> None:
    score, select = chain(tmp_path / "outputs")
    scored, curated = artifacts.load(score.folder), finish(select)
    assert [(s.key, s.type, s.version) for s in sources(curated)] == [
        ("scored", "scored", f"scored-m0:{scored.fingerprint[:12]}")
    ]
    marks = [scored.inputs[key]["fingerprint"][:12] for key in ("model_path", "candidates")]
    assert [(s.key, s.type, s.version) for s in sources(scored)] == [
        ("model_path", "raw", f"raw-model:{marks[0]}"),
        ("candidates", "raw", f"raw-pages.jsonl:{marks[1]}"),
    ]


def test_a_name_of_an_artifact_is_cut_to_what_w_and_b_takes() -> None:
    """Long ones that differ at their ends stay apart."""
    assert allowed("models-scale/a") == "models-scale_a" and allowed("x" * 128) == "x" * 128
    assert allowed("x" * 129) == "x" * 115 + "-0ec9eb33e745"
    assert len({allowed("x" * 128 + end) for end in "ab"}) == 2


def test_lineage_leaves_out_what_was_made_anew(tmp_path: Path) -> None:
    score, select = chain(tmp_path / "outputs")
    curated = finish(select)
    assert list(nearest_ancestors(curated)) == ["scored"]
    (score.folder / "manifest.json").unlink()
    score.scorer = "likelihood"
    finish(score)
    assert nearest_ancestors(curated) == {}


def made_by(artifact: artifacts.Artifact) -> str:
    return names.run_id(artifact.folder, artifact.manifest.fingerprint)


def test_a_run_id_is_that_of_the_settings_and_the_place(tmp_path: Path) -> None:
    first, second = (chain(tmp_path / name)[1] for name in ("a", "b"))
    ids = [made_by(artifacts.begin(config)) for config in (first, second)]
    assert len({*ids, made_by(artifacts.begin(first))}) == 2


def test_a_run_id_is_that_of_the_place_however_it_is_written(tmp_path: Path) -> None:
    """What a folder was made from bears the path it was given by."""
    score, select = chain(tmp_path / "outputs")
    (tmp_path / "link").symlink_to(tmp_path / "outputs")
    select.scored = f"{tmp_path}/link/../outputs/scored/m0"
    (made,) = nearest_ancestors(finish(select)).values()
    assert names.run_id(made.path, made.fingerprint) == made_by(artifacts.begin(score, write=False))


def test_a_tag_is_cut_to_what_w_and_b_takes() -> None:
    config = TrainConfig(seed=3, tracking=TrackingConfig(tags=["x" * 80, "", "forward"]))
    assert names.tags(config) == ["x" * 64, "forward", "seed-3", "smollm2-135m"]


def test_strays_are_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*STRAY, "WANDB_API_KEY"):
        monkeypatch.setenv(name, "x")
    forget_strays()
    import os

    assert not set(STRAY) & os.environ.keys()
    assert os.environ["WANDB_API_KEY"] == "x"
