"""rewrite.py's stage: what becomes of a row, what training reads of it, and what is refused."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import Artifact
from humpback_exp.completions import Completion
from humpback_exp.config import DataConfig, RewriteConfig, ScoreConfig, SelectConfig, TrainConfig
from humpback_exp.data.examples import training_examples
from humpback_exp.records import RewrittenCandidate, ScoredCandidate, read, write
from humpback_exp.stages import rewrite
from humpback_exp.tracking import Tracker

DRAFTS = {"a": "Boil the rice for ten minutes.", "b": "Fry it gently.", "c": "Bake it well.", "d": "Do not eat it raw."}
SCORES = {"a": 5.0, "b": 4.0, "c": 3.0, "d": None}
SAID = {"a": "Answer: Boil your rice for ten minutes.", "b": "Fry"}


def model(root: Path, name: str, direction: str = "forward", seed: int = 0) -> str:
    data = DataConfig(direction=direction)
    artifact = artifacts.begin(TrainConfig(output_root=str(root), name=name, seed=seed, data=data))
    artifacts.finish(artifact, started=time.time(), rows={})
    return str(artifact.folder)


def scored(root: Path, rater: str, **how: str) -> str:
    (root / "candidates").mkdir()
    config = ScoreConfig(output_root=str(root), name="m0", candidates=str(root / "candidates"), model_path=rater, **how)
    artifact = artifacts.begin(config)
    rows = [
        ScoredCandidate(
            id=i, url=f"{i}.html", offset=7, heading_path=["Food"], instruction=f"Cook {i}", output=draft,
            score=SCORES[i], outcome="scored", raw=[f"Score: {SCORES[i]}"],
        )
        for i, draft in DRAFTS.items()
    ]  # fmt: skip
    write(artifact.folder / "data" / "00000.parquet", ScoredCandidate, rows)
    artifacts.finish(artifact, started=time.time(), rows={"candidates": 4})
    return str(artifact.folder)


def told(*_: object) -> Callable[..., list[RewrittenCandidate]]:
    """A rewriter that says what stands in `SAID`, made into rows by the stage's own function."""
    return lambda chunk, advance: [rewrite.rewritten(row, Completion(SAID[row.id], 1, "stop")) for row in chunk]


def begin(root: Path, **changes: object) -> tuple[RewriteConfig, Artifact]:
    usual = {"scored": scored(root, model(root, "m0")), "model_path": str(root / "models/m0"), "min_score": 4}
    config = RewriteConfig(output_root=str(root), name="m0", **usual | changes)  # type: ignore[arg-type]
    return config, artifacts.begin(config)


@pytest.fixture
def rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(rewrite, "rewriter", told)
    config, artifact = begin(tmp_path)
    rewrite.run(config, artifact, Tracker())
    return artifact.folder


def test_both_texts_and_everything_else_of_a_selected_row_are_kept(rewritten: Path) -> None:
    first, second = read(rewritten, RewrittenCandidate)
    assert (first.output, first.draft, first.draft_kept) == ("Boil your rice for ten minutes.", DRAFTS["a"], "")
    assert (second.output, second.draft, second.draft_kept) == (DRAFTS["b"], DRAFTS["b"], "empty")
    assert [first.rewriting, second.rewriting] == ["Answer: Boil your rice for ten minutes.", "Fry"]
    assert [first.id, first.url, first.offset, first.heading_path] == ["a", "a.html", 7, ["Food"]]
    assert [first.instruction, first.score, first.raw] == ["Cook a", 5.0, ["Score: 5.0"]]


def test_reasons_are_counted_and_add_up(rewritten: Path) -> None:
    manifest = artifacts.load(rewritten)
    assert manifest.rows == {"candidates": 2, "rewritten": 1}
    assert manifest.drops == {"draft kept: empty": 1}
    assert set(manifest.inputs) == {"scored", "model_path"}


def test_a_kept_draft_is_not_told_as_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(rewrite, "rewriter", told)
    config, artifact = begin(tmp_path)
    rewrite.run(config, artifact, Tracker())
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[lines.index("rewrite m0") + 1 :][:3] == ["in 2", "out 1", "draft kept: empty 1"]


def test_training_reads_rewritten_pairs_as_it_reads_scored_ones(rewritten: Path) -> None:
    everything = training_examples(DataConfig(seed_path=None, scored=str(rewritten)), seed=0)
    assert {row.id: row.output for row in everything} == {"a": "Boil your rice for ten minutes.", "b": DRAFTS["b"]}
    assert {row.source for row in everything} == {"web"}
    best = training_examples(DataConfig(seed_path=None, scored=str(rewritten), min_score=4.5), seed=0)
    assert [row.id for row in best] == ["a"]


@pytest.mark.parametrize(("count", "kept"), [(1, {"a"}), (2, {"a", "b"}), (3, {"a", "b", "c"}), (9, {"a", "b", "c"})])
def test_as_many_as_a_curated_folder_holds_the_best_scored(tmp_path: Path, count: int, kept: set[str]) -> None:
    """Never the abandoned one, however many are wanted."""
    folder = scored(tmp_path, model(tmp_path, "m0"))
    curated = artifacts.begin(SelectConfig(output_root=str(tmp_path), name="other", scored=folder))
    artifacts.finish(curated, started=time.time(), rows={"curated": count})
    config = DataConfig(seed_path=None, scored=folder, as_many_as=str(curated.folder))
    assert {row.id for row in training_examples(config, seed=0)} == kept


def test_a_backward_model_is_no_rewriter(tmp_path: Path) -> None:
    config, artifact = begin(tmp_path, model_path=model(tmp_path, "backward", "backward"))
    with pytest.raises(ValueError, match="models/backward: a backward model; give one that answers, as experiment=m0"):
        rewrite.run(config, artifact, Tracker())


def test_the_tags_must_be_those_of_training(tmp_path: Path) -> None:
    config, artifact = begin(tmp_path, tagged=False)
    with pytest.raises(ValueError, match=r"tagged=False: the model was trained with data.tagged=True; use the same"):
        rewrite.run(config, artifact, Tracker())


def test_a_model_rewrites_only_what_it_rated(tmp_path: Path) -> None:
    config, artifact = begin(tmp_path, model_path=model(tmp_path, "m1", seed=1))
    with pytest.raises(
        ValueError, match=r"models/m1: another model rated \S+/scored/m0; use model_path=\S+/models/m0$"
    ):
        rewrite.run(config, artifact, Tracker())


def test_no_model_rewrites_what_none_rated(tmp_path: Path) -> None:
    (tmp_path / "ratings.jsonl").write_text("")
    rater = model(tmp_path, "m0")
    folder = scored(tmp_path, rater, scorer="given", ratings=str(tmp_path / "ratings.jsonl"))
    config = RewriteConfig(output_root=str(tmp_path), name="m0", scored=folder, model_path=rater, min_score=4)
    with pytest.raises(ValueError, match=r"^scored=\S+/scored/m0: its ratings were given, and a model rewrites only"):
        rewrite.run(config, artifacts.begin(config), Tracker())


def test_an_empty_selection_is_refused(tmp_path: Path) -> None:
    config, artifact = begin(tmp_path, min_score=5.5)
    with pytest.raises(
        ValueError, match=r"^min_score=5.5: keeps none of 4 candidates in \S+: best score 5; select more$"
    ):
        rewrite.run(config, artifact, Tracker())


def test_candidates_without_scores_are_refused(tmp_path: Path) -> None:
    config, artifact = begin(tmp_path, scored=model(tmp_path, "m9"))
    with pytest.raises(ValueError, match="holds models, but scored are needed here"):
        rewrite.run(config, artifact, Tracker())
