"""What the pipeline says at its end."""

import shutil
import time
from pathlib import Path

import loop_folders as folders

from humpback_exp import artifacts
from humpback_exp.analysis.closing import comparison, estimate, pair, twins
from humpback_exp.analysis.collect import collect
from humpback_exp.analysis.findings import loss_contrast
from humpback_exp.analysis.page import build
from humpback_exp.analysis.results import Contrast, Estimate
from humpback_exp.config import TrainConfig
from humpback_exp.records import Answer, Example, read


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


def test_a_variant_is_compared_with_m1_on_the_same_pairs(tmp_path: Path) -> None:
    """Differences of -0.2 with deviations of 0.1: 0.1 * sqrt(12 / 11) / sqrt(12) = 0.030, far below the error of either loss."""
    folders.whole_loop(tmp_path)
    plain = [row.loss for row in read(tmp_path / "evals/m1", Answer)]
    losses = [loss - 0.2 + (0.1 if number % 2 else -0.1) for number, loss in enumerate(plain)]
    folders.model(tmp_path, "m1-rewrite", scored_by="m0")
    folders.evaluation(tmp_path, "m1-rewrite", losses)
    *others, varied = comparison(collect(str(tmp_path)), ["base", "m0", "m1", "m1-rewrite"])
    assert (varied["model"], varied["web pairs"], varied["to M1"]) == ("m1-rewrite", "3", "-0.200 \u00b1 0.030")
    assert [(row["web pairs"], row["to M1"]) for row in others] == [("-", "-"), ("0", "-"), ("3", "-")]
    page = build(str(tmp_path))
    assert "m1-rewrite has a lower held-out loss than M1: \u22120.200 \u00b1 0.030" in page
    row = page[page.index("<tr><th>m1-rewrite</th>") :]
    assert 'data-label="change from M1">\u22120.200 <span class="error">\u00b1 0.030</span>' in row


def test_nothing_evaluated_gives_no_rows(tmp_path: Path) -> None:
    model(tmp_path, "m0", b"a")
    assert comparison(collect(str(tmp_path)), ["m0"]) == []


def test_pairs_are_wrapped_and_have_no_negative_zero() -> None:
    said = pair(Example(id="a", source="web", instruction="Why?", output="word " * 200, score=-0.0))
    lines = said.splitlines()
    assert lines[1] == "[0.00] Why?"
    assert len(lines) == 5 and lines[-1].endswith("...") and max(map(len, lines)) <= 114
