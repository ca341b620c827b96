"""Curated pairs as a dataset, and what its card says of the models that rated."""

import time
from pathlib import Path

import datasets
import pytest

from humpback_exp import artifacts
from humpback_exp.config import ScoreConfig, SelectConfig
from humpback_exp.data.seed import load_seed
from humpback_exp.records import ScoredCandidate, write
from humpback_exp.stages import select
from humpback_exp.tracking import Tracker


def curated(tmp_path: Path, *rows: ScoredCandidate, **settings: str) -> Path:
    """The folder of pairs selected from rows that were scored under these settings."""
    artifact = artifacts.begin(ScoreConfig(output_root=str(tmp_path), name="m0", candidates="c", **settings))
    write(artifact.folder / "data/00000.parquet", ScoredCandidate, rows)
    artifacts.finish(artifact, started=time.time(), rows={"candidates": len(rows)})
    config = SelectConfig(output_root=str(tmp_path), name="kept", scored=str(artifact.folder))
    select.run(config, artifacts.begin(config), Tracker())
    return config.folder


def scored(row_id: str, score: float) -> ScoredCandidate:
    texts = {"url": "u", "heading_path": [], "instruction": f"Name river {row_id}.", "output": "Indus"}
    return ScoredCandidate(id=row_id, offset=0, score=score, outcome="scored", raw=[], **texts)


def test_a_curated_folder_is_a_dataset(tmp_path: Path) -> None:
    """As `load_dataset` reads it, and as a seed."""
    folder = curated(tmp_path, scored("a", 5.0), scored("b", 4.5), scored("c", 4.0), model_path="m")
    found = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    pairs = {row["id"]: (row["source"], row["instruction"], row["output"], row["score"]) for row in found["train"]}
    assert list(found) == ["train"]
    assert pairs == {"a": ("web", "Name river a.", "Indus", 5.0), "b": ("web", "Name river b.", "Indus", 4.5)}
    assert [(row.id, row.instruction) for row in load_seed(str(folder))] == [
        (row["id"], row["instruction"]) for row in found["train"]
    ]
    assert 'datasets.load_dataset("curated/kept").push_to_hub(' in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("scorer", "likelihood", "said"),
    [
        ("generated", "forward", "m (generated)"),
        ("expected", "backward", "m (expected)"),
        ("likelihood", "forward", "m (likelihood)"),
        ("likelihood", "backward", "b (likelihood)"),
        ("likelihood", "both", "m and b (likelihood)"),
    ],
)
def test_the_card_names_the_models_that_rated(tmp_path: Path, scorer: str, likelihood: str, said: str) -> None:
    settings = {"scorer": scorer, "likelihood": likelihood, "model_path": "m", "backward_path": "b"}
    folder = curated(tmp_path, scored("a", 5.0), **settings)
    assert f"pairs were rated by {said} and kept by" in (folder / "README.md").read_text()


@pytest.mark.parametrize(("share", "told"), [(0.5, "top 50%"), (0.07, "top 7%"), (0.005, "top 0.5%")])
def test_the_rule_tells_the_share(share: float, told: str) -> None:
    assert select.rule(SelectConfig(min_score=None, top_fraction=share)) == told
