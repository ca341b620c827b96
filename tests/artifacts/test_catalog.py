"""The walk over finished folders, what each was made from, and in what they differ."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts.catalog import Input, differing, facts, inputs_of, nearest_ancestors
from humpback_exp.artifacts.walk import natural, walk
from humpback_exp.config import TrackingConfig
from tests.tracking import folders


def loop(root: Path) -> None:
    """scored/m0 -> curated/m0-a4.5, and scored/m0 -> models/lr1 -> evals/lr1."""
    score, select = folders.chain(root, TrackingConfig())
    folders.finish(select)
    folders.point(score, "lr1", "lr1")


def test_folders_come_in_the_order_of_the_loop(tmp_path: Path) -> None:
    loop(tmp_path)
    found = walk(tmp_path)
    assert [folder.label for folder in found.folders] == ["models/lr1", "scored/m0", "curated/m0-a4.5", "evals/lr1"]
    assert [(folder.kind, folder.name) for folder in found.of("scored")] == [("scored", "m0")]
    assert (found.unfinished, found.damaged) == ([], {})


def test_numbers_in_names_are_sorted_by_value() -> None:
    names = ["m10", "m1²", "m2", "base", "m٣"]
    assert sorted(names, key=natural) == ["base", "m1²", "m2", "m٣", "m10"]


def test_loops_below_are_looked_into_when_asked(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    loop(tmp_path / "out" / "demo")
    loop(tmp_path / "out" / ".cache")
    folders.chain(tmp_path / "out", TrackingConfig())
    assert [folder.label for folder in walk(tmp_path / "out").folders] == ["scored/m0"]
    assert [folder.label for folder in walk(tmp_path / "out", loops=True).folders] == [
        "demo/models/lr1", "demo/scored/m0", "scored/m0", "demo/curated/m0-a4.5", "demo/evals/lr1",
    ]  # fmt: skip


def test_a_name_like_a_kind_makes_no_loop(tmp_path: Path) -> None:
    score, _ = folders.chain(tmp_path, TrackingConfig())
    folders.point(score, "evals/a", "a")
    assert [folder.label for folder in walk(tmp_path, loops=True).folders] == ["models/evals/a", "scored/m0", "evals/a"]


def test_unfinished_and_damaged_folders_are_told_apart(tmp_path: Path) -> None:
    loop(tmp_path)
    (tmp_path / "models/lr1/manifest.json").unlink()
    (tmp_path / "scored/m0/manifest.json").write_text("{")
    made = json.loads((tmp_path / "evals/lr1/manifest.json").read_text())
    (tmp_path / "evals/lr1/manifest.json").write_text(json.dumps(made | {"files": {"data/00000.parquet": "00"}}))
    found = walk(tmp_path)
    assert ([folder.label for folder in found.folders], found.unfinished) == (["curated/m0-a4.5"], ["models/lr1"])
    assert list(found.damaged) == ["scored/m0", "evals/lr1"]
    assert "00000.parquet: missing; delete" in found.damaged["evals/lr1"]


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop(tmp_path)
    for closed in ("models/closed", "other"):
        (tmp_path / closed).mkdir()
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name in ("closed", "other"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    found = walk(tmp_path, loops=True)
    assert [folder.label for folder in found.folders] == ["models/lr1", "scored/m0", "curated/m0-a4.5", "evals/lr1"]
    assert found.damaged == {
        label: f"[Errno 13] Permission denied: '{tmp_path / label}'" for label in ("other", "models/closed")
    }


def test_what_other_programs_wrote_is_not_ours(tmp_path: Path) -> None:
    theirs = tmp_path / "models" / "theirs"
    theirs.mkdir(parents=True)
    (theirs / "manifest.json").write_text('{"kind": "web app", "version": 1}')
    (theirs / "config.yaml").write_text("learning_rate: 1\n")
    assert not artifacts.is_finished(theirs) and not artifacts.is_begun(theirs)
    assert walk(tmp_path).folders == [] and walk(tmp_path).damaged == {} and walk(tmp_path).unfinished == []
    first = artifacts.fingerprint(str(theirs))
    (theirs / "manifest.json").write_text('{"kind": "web app", "version": 2}')
    assert artifacts.fingerprint(str(theirs)) != first
    with pytest.raises(ValueError, match="theirs: not written by a stage; run python train.py name=theirs") as error:
        artifacts.load(theirs)
    assert "delete" not in str(error.value)


def test_an_input_is_found_by_its_path_and_else_by_what_it_was(tmp_path: Path) -> None:
    loop(tmp_path / "a")
    found = walk(tmp_path / "a")
    (curated,) = found.of("curated")
    (source,) = inputs_of(curated.manifest)
    assert (source.key, source.path) == ("scored", str(tmp_path / "a/scored/m0"))
    assert found.find(source) is found.of("scored")[0]
    assert found.find(Input("scored", "gone", source.fingerprint)) is found.of("scored")[0]
    assert found.find(Input("scored", source.path, "made anew")) is None


def test_ancestors_are_the_nearest_of_each_kind_and_those_made_anew_are_left_out(tmp_path: Path) -> None:
    loop(tmp_path)
    (evaluation,) = walk(tmp_path).of("evals")
    found = nearest_ancestors(evaluation.manifest)
    assert {kind: folder.label for kind, folder in found.items()} == {"models": "models/lr1", "scored": "scored/m0"}
    path = tmp_path / "scored/m0/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fingerprint": "another"}))
    assert list(nearest_ancestors(evaluation.manifest)) == ["models"]


def test_the_existence_of_a_manifest_is_asked_in_one_place() -> None:
    asking = [path for path in Path("humpback_exp").rglob("*.py") if '"manifest.json").exists' in path.read_text()]
    assert asking == [Path("humpback_exp/artifacts/manifest.py")]


def test_settings_differ_where_any_two_do() -> None:
    assert differing([{"a": 1, "b": [1], "c": 0}, {"a": 1, "b": [2]}, {"a": 1, "b": [1]}]) == {
        "b": [[1], [2], [1]],
        "c": [0, None, None],
    }
    assert differing([]) == differing([{"a": 1}]) == {}


def test_facts_are_settings_and_inputs(tmp_path: Path) -> None:
    loop(tmp_path)
    (curated,) = walk(tmp_path).of("curated")
    mark = walk(tmp_path).of("scored")[0].fingerprint[:8]
    assert facts(curated.manifest)["scored"] == f"{tmp_path}/scored/m0 ({mark})"
    assert facts(curated.manifest)["min_score"] == 4.5
