"""Several held-out sets in one evaluation, and question selection on each: figures, changes, files, refusals."""

import json
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import EngineConfig, EvaluateConfig, TrackingConfig, identity, input_paths
from humpback_exp.execution.launch import launch
from humpback_exp.records import Answer, QuestionLosses, read_file


def pairs(path: Path, count: int, word: str) -> str:
    rows = [{"id": f"p#{n}", "instruction": f"Name {word} {n}.", "output": f"{word} {n * n}"} for n in range(count)]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("sets")
    return {name: pairs(folder / f"{name}.jsonl", 5 + len(name), name) for name in ("main", "docs", "few")} | {
        "tiny": pairs(folder / "tiny.jsonl", 4, "tiny")
    }


def config(root: Path, name: str, tiny: str, sets: dict[str, str], **changes: object) -> EvaluateConfig:
    return EvaluateConfig(
        output_root=str(root),
        name=name,
        model_path=tiny,
        heldout=sets["main"],
        tracking=TrackingConfig(mode="none"),
        engine=EngineConfig(dtype="float32"),
        **changes,
    )


def test_every_set_has_its_own_figures_and_changes(tiny: str, tmp_path: Path, sets: dict[str, str]) -> None:
    further = {"docs": sets["docs"], "few": sets["few"]}
    asked = {"heldout_sets": further, "evaluations": ["heldout", "question_selection"]}
    base = launch(config(tmp_path, "base", tiny, sets, **asked))
    again = launch(config(tmp_path, "again", tiny, sets, reference=str(base), **asked))
    alone = launch(config(tmp_path, "alone", tiny, sets | {"main": sets["docs"]}))
    made, docs = artifacts.load(again), artifacts.load(alone).metrics
    assert (made.rows["pairs"], made.rows["pairs of docs"], made.rows["pairs of few"]) == (9, 9, 8)
    assert made.metrics["heldout_loss/docs"] == pytest.approx(docs["heldout_loss"])
    assert made.metrics["heldout_loss_error/docs"] == pytest.approx(docs["heldout_loss_error"])
    for name in ("", "/docs", "/few"):
        assert made.metrics[f"heldout_change{name}"] == made.metrics[f"instruction_gain_change{name}"] == 0.0
        assert 0 <= made.metrics[f"question_selection{name}"] <= 100
    assert "heldout_change/docs" not in artifacts.load(base).metrics
    losses = {row.id: row.loss for row in read_file(again / "heldout_sets/docs.parquet", Answer)}
    read = {row.id: row.loss for row in read_file(again / "question_losses/docs.parquet", QuestionLosses)}
    assert read == losses


def test_questions_are_selected_alike_whether_the_losses_are_known_or_not(
    tiny: str, tmp_path: Path, sets: dict[str, str]
) -> None:
    launch(config(tmp_path, "both", tiny, sets))
    both = launch(config(tmp_path, "both", tiny, sets, evaluations=["heldout", "question_selection"]))
    alone = launch(config(tmp_path, "alone", tiny, sets, evaluations=["question_selection"]))
    known, read = (
        list(read_file(folder / "question_losses/heldout.parquet", QuestionLosses)) for folder in (both, alone)
    )
    assert [row.questions for row in known] == [row.questions for row in read]
    assert [[row.loss, *row.losses] for row in known] == [pytest.approx([row.loss, *row.losses]) for row in read]
    assert not (alone / "data").exists()


def test_a_finished_evaluation_gains_sets_without_measuring_again(
    tiny: str, tmp_path: Path, sets: dict[str, str]
) -> None:
    folder = launch(config(tmp_path, "m", tiny, sets))
    before = artifacts.load(folder)
    launch(config(tmp_path, "m", tiny, sets, heldout_sets={"docs": sets["docs"]}))
    after = artifacts.load(folder)
    assert after.fingerprint == before.fingerprint and after.measured == ["heldout", "heldout_sets"]
    assert after.files["data/00000.parquet"] == before.files["data/00000.parquet"]
    assert "heldout_sets/docs.parquet" in after.files


def test_sets_that_are_not_used_identify_nothing(sets: dict[str, str]) -> None:
    plain = EvaluateConfig()
    assert "heldout_sets" not in identity(plain) and "heldout_sets" not in input_paths(plain)
    named = EvaluateConfig(heldout_sets={"docs": sets["docs"]})
    assert input_paths(named) == input_paths(plain) | {"heldout_sets.docs": sets["docs"]}


def test_names_and_files_that_cannot_be_used_are_refused(tiny: str, tmp_path: Path, sets: dict[str, str]) -> None:
    for name in ("../docs", "heldout", "A"):
        with pytest.raises(ValueError, match="^heldout_sets=.*: name a set by a-z, 0-9, _ and -"):
            EvaluateConfig(heldout_sets={name: sets["docs"]})
    small = config(tmp_path, "x", tiny, sets, heldout_sets={"tiny": sets["tiny"]}, evaluations=["question_selection"])
    with pytest.raises(
        ValueError, match="^heldout_sets.tiny=.*jsonl: question_selection needs 5 different questions .* are 4"
    ):
        launch(small)
