"""What the dataset card says of the models that rated."""

import time
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import ScoreConfig, SelectConfig
from humpback_exp.records import ScoredCandidate, write
from humpback_exp.stages import select
from humpback_exp.tracking import NoTracker


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
    settings = {"scorer": scorer, "likelihood": likelihood, "model_path": "m", "backward_path": "b", "candidates": "c"}
    artifact = artifacts.begin(ScoreConfig(output_root=str(tmp_path), name="m0", **settings))
    texts = {"url": "u", "heading_path": [], "instruction": "Name a river.", "output": "Indus"}
    row = ScoredCandidate(id="a", offset=0, score=5.0, outcome="scored", raw=[], **texts)
    write(artifact.folder / "data/00000.parquet", ScoredCandidate, [row])
    artifacts.finish(artifact, started=time.time(), rows={"candidates": 1})
    config = SelectConfig(output_root=str(tmp_path), name="kept", scored=str(artifact.folder))
    select.run(config, artifacts.begin(config), NoTracker())
    assert f"pairs were rated by {said} and kept by" in (config.folder / "README.md").read_text()
