"""What the pipeline says at its end."""

import shutil
import time
from pathlib import Path

import loop_folders as folders
from test_report import text

from humpback_exp import artifacts
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.pages.loop import build
from humpback_exp.analysis.pages.table import Cell
from humpback_exp.analysis.pages.terminal import closing, pair, printed
from humpback_exp.analysis.sentences.cautions import same_models
from humpback_exp.config import TrainConfig
from humpback_exp.records import Answer, Example, read


def model(root: Path, name: str, weights: bytes) -> None:
    artifact = artifacts.begin(TrainConfig(output_root=str(root), name=name))
    (artifact.folder / "model.safetensors").write_bytes(weights)
    artifacts.finish(artifact, started=time.time(), rows={"examples": 3, "seed": 1, "web": 2})


def test_a_round_that_changed_nothing_is_said(tmp_path: Path) -> None:
    for name, weights in (("m0", b"a"), ("m1", b"b"), ("m2", b"b")):
        model(tmp_path, name, weights)
    assert same_models(read_catalog(str(tmp_path))) == [
        "m2 is the same model as m1: both were trained on the same 2 web pairs."
    ]
    shutil.rmtree(tmp_path / "models/m2")
    assert same_models(read_catalog(str(tmp_path))) == []


def test_equal_losses_are_said(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    shutil.rmtree(tmp_path / "evals" / "m1")
    folders.evaluation(tmp_path, "m1", [row.loss for row in read(tmp_path / "evals" / "m0", Answer)])
    said = "By held-out loss, M1 and M0 cannot be told apart: each of 12 held-out pairs has the same figure under both."
    assert said in build(str(tmp_path))


def test_figures_stand_with_their_intervals() -> None:
    assert printed(Cell("\u22120.321", "\u22120.360 to \u22120.282", 1)) == "-0.321 (-0.360 to -0.282)*"
    assert (printed(Cell("50.0")), printed(Cell())) == ("50.0", "-")


def test_a_variant_is_compared_with_m1_on_the_same_pairs(tmp_path: Path) -> None:
    """Differences of -0.2 with deviations of 0.1: an error of 0.0302, far below that of either loss, times 2.201 is 0.066."""
    folders.whole_loop(tmp_path)
    plain = [row.loss for row in read(tmp_path / "evals/m1", Answer)]
    losses = [loss - 0.2 + (0.1 if number % 2 else -0.1) for number, loss in enumerate(plain)]
    folders.model(tmp_path, "m1-rewrite", scored_by="m0")
    folders.evaluation(tmp_path, "m1-rewrite", losses)
    said = closing(str(tmp_path), ["base", "m0", "m1", "m1-rewrite"], None)
    finding, results, compared, _ = said.split("\n\n")[:4]
    assert finding.startswith("By held-out loss, M0 is better than base: ")
    assert [line.split()[0] for line in results.splitlines()[-4:]] == ["base", "M0", "M1", "m1-rewrite"]
    assert "m1-rewrite  3 " in results and "-0.200 (-0.266 to -0.134)*" in compared.splitlines()[-1]
    assert "m1-rewrite" not in closing(str(tmp_path), ["m0", "m1"], None)
    assert max(map(len, said.splitlines())) <= 120
    assert (
        "m1-rewrite against M1 held-out loss, nats a token \u22120.200 \u22120.266 to \u22120.134 better p < 0.001"
        in text(build(str(tmp_path)))
    )


def test_nothing_evaluated_gives_no_rows(tmp_path: Path) -> None:
    model(tmp_path, "m0", b"a")
    assert closing(str(tmp_path), ["m0"], None).startswith("nothing was evaluated")


def test_pairs_are_wrapped_and_have_no_negative_zero() -> None:
    said = pair(Example(id="a", source="web", instruction="Why?", output="word " * 200, score=-0.0))
    lines = said.splitlines()
    assert lines[1] == "[0.00] Why?"
    assert len(lines) == 5 and lines[-1].endswith("...") and max(map(len, lines)) <= 114
