"""Folders that an earlier version made: they keep their fingerprints and are skipped, resumed and refused as before."""

import json
import shutil
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import StageConfig
from humpback_exp.workflow.variants import whole_loop
from tests.conftest import ROOT, run
from tests.test_configs import composed

FINGERPRINTS = {
    "candidates/web": "aa5e3f04b5b941f6",
    "curated/m0-top0.5": "40dcdf37afb45bc5",
    "curated/m1-top0.5": "804780347585524e",
    "evals/base": "e310407d6d3dd735",
    "evals/m0": "86b609336f47660a",
    "evals/m1": "9076ed6562ea7392",
    "evals/m2": "512d5b318ebcc349",
    "gates/m0-likelihood-forward-09642775": "37d15fcbdbc5d712",
    "gates/m1-likelihood-forward-59d7759d": "f0d2f998642152c3",
    "models/backward": "1658511d40e10274",
    "models/m0": "0c13729430b2456a",
    "models/m1": "76ded4a14817733d",
    "models/m2": "7820d0f562374eb6",
    "scored/m0": "f28adf2015d17d2b",
    "scored/m1": "84447f774c3826ed",
    "segments/web": "99009d697a2fba03",
}
"""First 16 digits of each folder's fingerprint, as the earlier version wrote it."""


@pytest.fixture
def older(tmp_path: Path, tiny: str) -> Path:
    """A copy of the earlier loop, with empty files in place of the weights that are not kept."""
    root = tmp_path / "outputs"
    shutil.copytree(ROOT / "tests/fixtures/loop", root)
    for path in root.rglob("manifest.json"):
        for name in json.loads(path.read_text())["files"]:
            (path.parent / name).touch()
    return root


def loop(root: Path, *words: str) -> list[StageConfig]:
    return whole_loop(composed("pipeline", "experiment=smoke", f"output_root={root}", *words))


def test_fingerprints_are_kept_and_folders_are_finished(older: Path) -> None:
    opened = [artifacts.begin(stage, write=False) for stage in loop(older)]
    assert {str(each.folder.relative_to(older)): each.manifest.fingerprint[:16] for each in opened} == FINGERPRINTS
    assert all(each.finished for each in opened)


def test_the_same_command_skips_all_of_it(older: Path) -> None:
    before = {path: path.read_bytes() for path in older.rglob("*") if path.is_file()}
    result = run("pipeline.py", "experiment=smoke", f"output_root={older}")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count(": finished already, skipped") == len(FINGERPRINTS)
    assert {path: path.read_bytes() for path in before} == before


def test_chunks_that_it_had_committed_are_kept(older: Path) -> None:
    """As a kill left it: two of four chunks, no manifest. The folders made from it later stay what they are."""
    folder = older / "candidates/web"
    made = json.loads((folder / "manifest.json").read_text())
    begun = {key: made[key] for key in ("kind", "name", "fingerprint", "config", "inputs")}
    (folder / "begun.json").write_text(json.dumps(begun))
    (folder / "manifest.json").unlink()
    (folder / "checkpoints").mkdir()
    for number in range(2):
        cost = {"rows": 4, "kept": 4, "tokens": 400, "seconds": 1.0}
        (folder / f"checkpoints/{number:05d}.json").write_text(json.dumps(cost))
    kept = {path.name: path.read_bytes() for path in (folder / "data").iterdir() if path.stem in ("00000", "00001")}
    for name in made["files"].keys() - {f"data/{name}" for name in kept}:
        (folder / name).unlink()
    result = run("pipeline.py", "experiment=smoke", f"output_root={older}")
    assert result.returncode == 0, result.stderr
    assert {name: (folder / "data" / name).read_bytes() for name in kept} == kept
    manifest = artifacts.load(folder)
    assert manifest.fingerprint == made["fingerprint"]
    assert manifest.rows["segments"] == made["rows"]["segments"] == 16
    assert result.stderr.count(": finished already, skipped") == len(FINGERPRINTS) - 1


def test_another_config_is_refused_by_its_keys(older: Path) -> None:
    train = next(stage for stage in loop(older, "optim.lr=2e-3") if stage.name == "m0" and stage.kind == "models")
    there = r"models/m0: made by another config \(optim.lr=0.001 there, 0.002 here\)"
    with pytest.raises(ValueError, match=there):
        artifacts.begin(train, write=False)


def test_a_finished_evaluation_gains_measurements_and_stays_what_it_is(older: Path) -> None:
    stages = {stage.name: stage for stage in loop(older, "evaluations=[heldout,judge,safety]") if stage.kind == "evals"}
    assert stages["m1"].measurements == ["heldout", "judge", "safety", "heldout_change"]
    assert not any(artifacts.is_done(stage) for stage in stages.values())
    opened = artifacts.begin(stages["m1"], write=False)
    assert not opened.finished and opened.manifest.fingerprint[:16] == FINGERPRINTS["evals/m1"]
    assert artifacts.measured(artifacts.load(stages["m1"].folder)) == ["heldout", "judge", "heldout_change"]
    assert opened.manifest.inputs.keys() - artifacts.load(stages["m1"].folder).inputs.keys() == {"sensitive"}
