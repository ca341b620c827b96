"""What the pipeline says at its end."""

import shutil
import time
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.analysis.closing import comparison, estimate, pair, twins
from humpback_exp.analysis.collect import collect
from humpback_exp.analysis.findings import loss_contrast
from humpback_exp.analysis.results import Contrast, Estimate
from humpback_exp.config import TrainConfig
from humpback_exp.records import Example


def model(root: Path, name: str, weights: bytes) -> None:
    artifact = artifacts.begin(TrainConfig(output_root=str(root), name=name))
    (artifact.folder / "model.safetensors").write_bytes(weights)
    artifacts.finish(artifact, started=time.time(), rows={"examples": 3, "seed": 1, "web": 2})


def test_a_round_that_changed_nothing_is_said(tmp_path: Path) -> None:
    for name, weights in (("m0", b"a"), ("m1", b"b"), ("m2", b"b")):
        model(tmp_path, name, weights)
    assert twins(collect(str(tmp_path))) == ["m2 is the same model as m1: both were trained on the same 2 web pairs\n"]
    shutil.rmtree(tmp_path / "models/m2")
    assert twins(collect(str(tmp_path))) == []


def test_equal_losses_are_one_model_in_the_report() -> None:
    said = loss_contrast(Contrast("M2", "M1", Estimate(0.0, 0.0, 40)))
    assert said.text.startswith("M2 and M1 give each of 40 held-out pairs the same loss: they are one model")


def test_figures_stand_with_their_errors() -> None:
    assert estimate(Estimate(-0.3214, 0.0196, 40)) == "-0.321 ± 0.020"
    assert estimate(Estimate(0.4375, 0.0625, 16), percent=True) == "43.8 ± 6.2"
    assert estimate(None) == "-"


def test_nothing_evaluated_gives_no_rows(tmp_path: Path) -> None:
    model(tmp_path, "m0", b"a")
    assert comparison(collect(str(tmp_path)), ["m0"]) == []


def test_pairs_are_wrapped_and_have_no_negative_zero() -> None:
    said = pair(Example(id="a", source="web", instruction="Why?", output="word " * 200, score=-0.0))
    lines = said.splitlines()
    assert lines[1] == "[0.00] Why?"
    assert len(lines) == 5 and lines[-1].endswith("...") and max(map(len, lines)) <= 114
