"""Datasets of the Hub, from a cache laid out as the Hub's own: commits, splits, offline, and what is said of those not there."""

from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants, errors

from humpback_exp import artifacts
from humpback_exp.config import DataConfig, DatasetConfig, EvaluateConfig, GateConfig, TrainConfig
from humpback_exp.config.dataset import ColumnsConfig
from humpback_exp.config.gate import BoundsConfig
from humpback_exp.data.hub import is_hub_id
from humpback_exp.data.pinning import pinned
from humpback_exp.data.seed import load_seed
from humpback_exp.workflow.variants import whole_loop
from tests.conftest import ROOT
from tests.test_configs import composed

OLD, NEW = "0" * 39 + "1", "f" * 40


def snapshot(cache: Path, dataset: str, commit: str, files: dict[str, list[str]]) -> None:
    """One commit in the Hub's cache: files are links to blobs, of which the names tell nothing."""
    root = cache / f"datasets--{dataset.replace('/', '--')}"
    for name, instructions in files.items():
        blob = root / "blobs" / f"{commit}{name.replace('/', '')}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist([{"prompt": each, "completion": "b"} for each in instructions]), blob)
        link = root / "snapshots" / commit / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two commits of owner/pairs, of which main is the newer."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    snapshot(tmp_path, "owner/pairs", OLD, {"data/train-00000-of-00001.parquet": ["old"]})
    snapshot(
        tmp_path,
        "owner/pairs",
        NEW,
        {"data/train-00000-of-00001.parquet": ["a", "b"], "data/validation-00000-of-00001.parquet": ["c"]},
    )
    (tmp_path / "datasets--owner--pairs" / "refs").mkdir()
    (tmp_path / "datasets--owner--pairs" / "refs" / "main").write_text(NEW)
    return tmp_path


def instructions(dataset: DatasetConfig) -> list[str]:
    return [row.instruction for row in load_seed("owner/pairs", dataset=dataset)]


def test_a_dataset_of_the_hub(cache: Path) -> None:
    assert instructions(DatasetConfig()) == ["a", "b"]
    assert instructions(DatasetConfig(split="train+validation")) == ["a", "b", "c"]
    assert instructions(DatasetConfig(revision=OLD)) == ["old"]
    with pytest.raises(ValueError, match=r"data.dataset.split=test: owner/pairs has no test, but train, validation"):
        instructions(DatasetConfig(split="test"))


def test_every_stage_stands_at_the_commit(cache: Path) -> None:
    """So that a branch that moves on changes no run that has begun."""
    train = pinned(TrainConfig(name="m", data=DataConfig(seed_path="owner/pairs")))
    assert isinstance(train, TrainConfig) and train.data.dataset == DatasetConfig(revision=NEW)
    evaluate = pinned(
        EvaluateConfig(name="m", heldout="owner/pairs", heldout_dataset=DatasetConfig(split="validation"))
    )
    assert isinstance(evaluate, EvaluateConfig)
    assert evaluate.heldout_dataset == DatasetConfig(split="validation", revision=NEW)
    gate = pinned(GateConfig(name="m", gate=BoundsConfig(path="owner/pairs")))
    assert isinstance(gate, GateConfig) and gate.gate.dataset == DatasetConfig(revision=NEW)
    (cache / "datasets--owner--pairs" / "refs" / "main").write_text(OLD)
    assert pinned(train) == train
    assert [row.instruction for row in load_seed("owner/pairs", dataset=train.data.dataset)] == ["a", "b"]


def test_what_identifies_a_run(cache: Path, tmp_path: Path) -> None:
    """Id, name, split and commit of a Hub dataset; the content alone of a file, as before there were options."""
    config = TrainConfig(name="m", output_root=str(tmp_path / "out"), data=DataConfig(seed_path="owner/pairs"))
    facts = artifacts.begin(pinned(config), write=False).manifest
    assert facts.inputs["data.seed_path"]["path"] == "owner/pairs"
    assert facts.config["data.dataset.revision"] == NEW
    marks = {facts.fingerprint}
    for other in (
        DataConfig(seed_path="owner/pairs", dataset=DatasetConfig(revision=OLD)),
        DataConfig(seed_path="owner/pairs", dataset=DatasetConfig(split="validation")),
        DataConfig(seed_path="owner/pairs", dataset=DatasetConfig(name="default")),
    ):
        marks.add(artifacts.begin(pinned(replace(config, data=other)), write=False).manifest.fingerprint)
    assert len(marks) == 4
    local = artifacts.begin(replace(config, data=DataConfig(seed_path=__file__)), write=False).manifest
    assert not [key for key in local.config if key.startswith("data.dataset")]


def test_the_gate_of_a_loop_reads_held_out_pairs_as_their_evaluation_does() -> None:
    words = [
        "experiment=laptop",
        "heldout=owner/pairs",
        "heldout_dataset.split=validation",
        "heldout_dataset.columns.output=answer",
    ]
    loop = whole_loop(composed("pipeline", *words))
    options = DatasetConfig(split="validation", columns=ColumnsConfig(output="answer"))
    assert {stage.heldout_dataset == options for stage in loop if isinstance(stage, EvaluateConfig)} == {True}
    assert {stage.gate.dataset == options for stage in loop if isinstance(stage, GateConfig)} == {True}
    own = whole_loop(composed("pipeline", *words, "gate.path=examples/seed.jsonl"))
    assert {stage.gate.dataset == DatasetConfig() for stage in own if isinstance(stage, GateConfig)} == {True}


def test_offline_and_not_in_the_cache(cache: Path) -> None:
    with pytest.raises(ValueError) as caught:
        load_seed("owner/others", "heldout")
    assert str(caught.value) == (
        "heldout=owner/others: no such file or folder, not (or not all of it) in the Hub's cache, and the Hub is out of reach; "
        "unset HF_HUB_OFFLINE, or run hf download --repo-type dataset owner/others where there is a network"
    )
    with pytest.raises(ValueError, match="hf download --repo-type dataset owner/pairs --revision v2 where"):
        load_seed("owner/pairs", dataset=DatasetConfig(revision="v2"))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (errors.GatedRepoError, "data.seed_path=owner/pairs: a gated dataset; ask for access at https://.*HF_TOKEN"),
        (
            errors.RepositoryNotFoundError,
            "data.seed_path=owner/pairs: no such file, folder or Hub dataset, or a private one",
        ),
        (errors.RevisionNotFoundError, "data.dataset.revision=v2: owner/pairs has no such branch, tag or commit"),
        (
            errors.HfHubHTTPError,
            r"data.seed_path=owner/pairs: could not be fetched \(502 and a page of HTML\); try again",
        ),
    ],
)
def test_what_the_hub_answers(monkeypatch: pytest.MonkeyPatch, error: type[Exception], message: str) -> None:
    answer = error.__new__(error)
    answer.args = ("502\nand a page of HTML",)

    def refuse(*_: object, **__: object) -> None:
        raise answer

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(ValueError, match=message) as caught:
        load_seed("owner/pairs", dataset=DatasetConfig(revision="v2"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (DatasetConfig(revision="main"), "data.dataset.revision=main: .*seed.jsonl is not on the Hub"),
        (DatasetConfig(name="en"), "data.dataset.name=en: .*seed.jsonl is a file, which has no configurations"),
    ],
)
def test_options_that_a_file_knows_nothing_of(options: DatasetConfig, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_seed(str(ROOT / "examples" / "seed.jsonl"), dataset=options)


def test_pairs_that_are_nowhere_are_refused_before_any_work() -> None:
    for config, key in (
        (TrainConfig(name="m", data=DataConfig(seed_path="sed.jsonl")), "data.seed_path=sed.jsonl"),
        (EvaluateConfig(name="m", heldout="data/heldout.jsonl"), "heldout=data/heldout.jsonl"),
        (GateConfig(name="m", gate=BoundsConfig(path="/no/folder")), "gate.path=/no/folder"),
    ):
        with pytest.raises(ValueError, match=f"{key}: no such file"):
            pinned(config)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("OpenAssistant/oasst1", True),
        ("tatsu-lab/alpaca", True),
        ("alpaca", False),
        ("data/pairs.JSONL", False),
        ("data/pairs.jsonl.gz", False),
        ("../pairs", False),
        ("/data/pairs", False),
        ("a/b/c", False),
    ],
)
def test_ids_of_the_hub(path: str, is_one: bool) -> None:
    assert is_hub_id(path) is is_one
