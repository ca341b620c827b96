"""Folders: fresh, resumed, skipped, refused; damage is named."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from humpback_exp import artifacts, prompts
from humpback_exp.config import (
    EngineConfig,
    GenerationConfig,
    RubricConfig,
    ScoreConfig,
    SelectConfig,
    TrackingConfig,
    identity,
)
from humpback_exp.records import Example, ScoredCandidate, read, write

RUBRIC = RubricConfig(prompt="{instruction}{output}")


def select(root: Path, **settings: object) -> SelectConfig:
    scored = ScoreConfig(output_root=str(root), name="m0", rubric=RUBRIC, candidates=str(root), model_path="a/b")
    if not scored.folder.exists():
        artifact = artifacts.begin(scored)
        row = ScoredCandidate(
            id="a", url="u", offset=0, heading_path=["h"], instruction="i", output="o", score=5.0, outcome="scored"
        )
        write(scored.folder / "data" / "00000.parquet", ScoredCandidate, [row])
        artifacts.finish(artifact, started=time.time(), rows={"candidates": 1})
    return SelectConfig(output_root=str(root), name="x", scored=str(scored.folder), **settings)  # type: ignore[arg-type]


def finish(config: SelectConfig) -> artifacts.Manifest:
    artifact = artifacts.begin(config)
    write(config.folder / "data" / "00000.parquet", Example, [])
    return artifacts.finish(artifact, started=time.time(), rows={"curated": 0}, drops={"low": 1})


def test_a_finished_folder_is_skipped_and_says_what_it_is(tmp_path: Path) -> None:
    config = select(tmp_path)
    assert not artifacts.begin(config).finished
    made = finish(config)
    again = artifacts.begin(config)
    assert again.finished and again.manifest.fingerprint == made.fingerprint
    assert (made.kind, made.name, made.rows, made.drops) == ("curated", "x", {"curated": 0}, {"low": 1})
    assert list(made.files) == ["data/00000.parquet"]
    assert made.inputs["scored"]["fingerprint"] == artifacts.load(tmp_path / "scored" / "m0").fingerprint
    assert sorted(p.name for p in config.folder.iterdir()) == ["config.yaml", "data", "manifest.json"]


def test_a_finished_folder_that_lost_a_file_is_not_skipped(tmp_path: Path) -> None:
    config = select(tmp_path)
    finish(config)
    (config.folder / "data" / "00000.parquet").unlink()
    with pytest.raises(ValueError, match=r"00000.parquet: missing; delete .*/curated/x and run the same command again"):
        artifacts.begin(config)


@pytest.mark.parametrize("name", ["", "../evil", "/etc", "a/../../b"])
def test_a_name_stays_below_the_output_root(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="must name a folder below output_root"):
        artifacts.begin(replace(select(tmp_path), name=name))


def test_another_config_is_refused_by_key_with_both_values(tmp_path: Path) -> None:
    finish(select(tmp_path))
    with pytest.raises(ValueError, match=r"made by another config \(min_score=4.5 there, 4.0 here\)"):
        artifacts.begin(select(tmp_path, min_score=4.0))


def test_a_half_written_folder_of_another_config_is_refused(tmp_path: Path) -> None:
    config = select(tmp_path)
    artifacts.begin(config)
    write(config.folder / "data" / "00000.parquet", Example, [])
    with pytest.raises(ValueError, match=r"seed=0 there, 1 here"):
        artifacts.begin(replace(config, seed=1))
    assert not artifacts.begin(config).finished


def test_a_folder_with_nothing_made_yet_takes_the_new_config(tmp_path: Path) -> None:
    artifacts.begin(select(tmp_path))
    assert not artifacts.begin(select(tmp_path, min_score=3.0)).finished


def test_a_kill_while_opening_does_not_block_the_folder(tmp_path: Path) -> None:
    config = select(tmp_path)
    config.folder.mkdir(parents=True)
    (config.folder / ".config.yaml.tmp").write_text("half")
    assert not artifacts.begin(config).finished


def test_figures_that_are_no_numbers_become_null(tmp_path: Path) -> None:
    artifact = artifacts.begin(select(tmp_path))
    artifacts.finish(artifact, started=time.time(), rows={}, metrics={"auc": float("nan"), "loss": 1.0})
    assert '"auc": null' in (artifact.folder / "manifest.json").read_text()


def test_foreign_files_are_not_overwritten(tmp_path: Path) -> None:
    config = select(tmp_path)
    config.folder.mkdir(parents=True)
    (config.folder / "thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds files of something else"):
        artifacts.begin(config)


@pytest.mark.parametrize("name", ["manifest.json", "config.yaml"])
def test_what_another_program_wrote_is_neither_overwritten_nor_to_be_deleted(tmp_path: Path, name: str) -> None:
    config = select(tmp_path)
    config.folder.mkdir(parents=True)
    (config.folder / name).write_text('{"version": 1}')
    with pytest.raises(ValueError, match="holds files of something else; choose another name=") as error:
        artifacts.begin(config)
    assert "delete" not in str(error.value)
    assert (config.folder / name).read_text() == '{"version": 1}'


def test_a_model_folder_with_a_manifest_of_its_own_is_raw_input(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for name, text in {"config.json": "{}", "manifest.json": '{"files": []}', "config.yaml": "lr: 1\n"}.items():
        (model / name).write_text(text)
    config = ScoreConfig(output_root=str(tmp_path), name="x", rubric=RUBRIC, candidates="a/b", model_path=str(model))
    assert artifacts.begin(config).manifest.inputs["model_path"]["fingerprint"] == artifacts.fingerprint(str(model))


def test_operational_keys_do_not_change_what_a_run_is(tmp_path: Path) -> None:
    config = ScoreConfig(rubric=RUBRIC)
    other = replace(
        config, engine=EngineConfig(batch_size=3), tracking=TrackingConfig(mode="none"), output_root="o", name="n"
    )
    assert identity(config) == identity(other)
    assert identity(config) != identity(replace(config, generation=GenerationConfig(temperature=0.0)))
    assert "model_path" not in identity(config)


def test_a_changed_input_changes_the_fingerprint(tmp_path: Path) -> None:
    source = tmp_path / "seed.jsonl"
    source.write_text("one")
    first = artifacts.fingerprint(str(source))
    source.write_text("two")
    assert artifacts.fingerprint(str(source)) != first
    assert artifacts.fingerprint("org/name") == artifacts.fingerprint("org/name") != artifacts.fingerprint("org/other")


def test_unfinished_inputs_are_refused(tmp_path: Path) -> None:
    config = select(tmp_path)
    artifacts.begin(config)
    with pytest.raises(ValueError, match="unfinished; run the command that writes it again"):
        artifacts.fingerprint(str(config.folder))
    with pytest.raises(ValueError, match=f"unfinished; run python curate.py name=\\w+ output_root={tmp_path} first"):
        artifacts.require_input(str(config.folder), "curated")
    with pytest.raises(ValueError, match="no such finished folder"):
        artifacts.require_input(str(tmp_path / "nothing"), "curated")


def test_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds scored, but candidates are needed here"):
        artifacts.require_input(select(tmp_path).scored, "candidates")


@pytest.mark.parametrize("damage", [b"", b"PAR1 broken", None])
def test_damaged_data_is_named(tmp_path: Path, damage: bytes | None) -> None:
    path = Path(select(tmp_path).scored) / "data" / "00000.parquet"
    path.unlink() if damage is None else path.write_bytes(damage)
    with pytest.raises(ValueError, match=r"00000.parquet: missing or damaged; delete"):
        artifacts.require_input(str(path.parents[1]), "scored")


def test_an_unreadable_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "00000.parquet").write_bytes(b"PAR1 broken PAR1")
    with pytest.raises(ValueError, match="not a readable ScoredCandidate file"):
        list(read(tmp_path, ScoredCandidate))


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"kind": "scored"})])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    folder = Path(select(tmp_path).scored)
    (folder / "manifest.json").write_text(text)
    with pytest.raises(
        ValueError, match=r"manifest.json: damaged .*; delete .*/scored/m0 and run the same command again"
    ):
        artifacts.load(folder)


def test_two_processes_cannot_write_one_folder(tmp_path: Path) -> None:
    with artifacts.locked(tmp_path), pytest.raises(ValueError, match="another process is writing it"):
        with artifacts.locked(tmp_path):
            pass
    with artifacts.locked(tmp_path):
        pass


def test_equal_rows_give_equal_bytes_and_leave_no_scratch(tmp_path: Path) -> None:
    rows = [Example(id="a", source="web", instruction="i", output="o", score=None)]
    for name in ("a", "b"):
        write(tmp_path / name, Example, rows)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_other_words_make_another_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder made with prompts that have changed since is neither skipped nor gone on with."""
    config = ScoreConfig(output_root=str(tmp_path), name="m0", rubric=RubricConfig(prompt="{instruction}"))
    artifact = artifacts.begin(config)
    artifacts.finish(artifact, started=time.time(), rows={})
    assert artifacts.begin(config).finished
    monkeypatch.setitem(prompts.STAGE_PROMPTS, "score", [prompts.TAGS, "another backward prompt"])
    with pytest.raises(ValueError, match="made by another config .prompts=[0-9a-f]{16} there, [0-9a-f]{16} here"):
        artifacts.begin(config)
