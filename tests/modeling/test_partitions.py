"""What ZeRO-3 does with a model: no rank ever holds all of it, leaf modules, moments in main memory."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from tests.modeling.conftest import KINDS, SETTINGS, Trainings, losses, one_line, weights

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of 200 MiB, none of whose 32 matrices is larger than 11 MiB."""
    torch.manual_seed(0)
    shape = {"vocab_size": 1024, "hidden_size": 1024, "intermediate_size": 2816, "num_hidden_layers": 4}
    folder = tmp_path_factory.mktemp("wide")
    LlamaForCausalLM(LlamaConfig(**shape, num_attention_heads=8, tie_word_embeddings=True)).save_pretrained(folder)
    return folder


def test_no_rank_ever_holds_the_whole_model(trainings: Trainings, wide: Path) -> None:
    whole = (wide / "model.safetensors").stat().st_size
    ended = trainings.warm("tests/modeling/watch_load.py", wide, ranks=2).wait()
    assert ended.codes == [0, 0], ended.said
    rows = [json.loads(found) for found in re.findall(r"\{.*?\}", ended.said)]
    assert len(rows) == 2, ended.said
    assert [row["held"] for row in rows] == pytest.approx([whole / 2, whole / 2], rel=0.01)
    assert max(row["peak"] for row in rows) < 0.75 * whole  # half of the model, and what is on its way


def test_leaf_modules(trainings: Trainings, tmp_path: Path) -> None:
    """Gathering a block at once changes no number."""
    leaf = "trainer.leaf_modules=[LlamaMLP]"
    words = [*SETTINGS[1:], f"output_root={tmp_path}", *KINDS["zero3"], leaf]
    ended = trainings.warm("tests/modeling/watch_leaves.py", *words, ranks=2).wait()
    assert ended.codes == [0, 0], ended.said
    assert ended.said.count("leaves model.model.layers.0.mlp model.model.layers.1.mlp\n") == 2
    folder = tmp_path / "models/m0"
    assert losses(folder) == losses(trainings.unbroken("zero3"))
    assert weights(folder) == weights(trainings.unbroken("zero3"))


def test_an_unknown_leaf_module(trainings: Trainings, tmp_path: Path) -> None:
    said = one_line(trainings.start(tmp_path, "zero3", "trainer.leaf_modules=[MixtralBlock]").wait())
    assert said.startswith("trainer.leaf_modules=MixtralBlock: no such class in the model; it has ")
    assert "LlamaMLP" in said


def test_a_wrong_shape_is_told_by_every_rank(trainings: Trainings, tiny: str, tmp_path: Path) -> None:
    """Only the first rank sees it while it deals out the weights; the other would lose it in the next collective."""
    shutil.copytree(tiny, tmp_path / "wrong")
    tensors = load_file(tmp_path / "wrong/model.safetensors") | {"model.norm.weight": torch.ones(65)}
    save_file(tensors, tmp_path / "wrong/model.safetensors", metadata={"format": "pt"})
    said = one_line(trainings.start(tmp_path, "zero3", f"model.path={tmp_path}/wrong").wait())
    assert said.startswith(
        f"model.path={tmp_path}/wrong: its weights are not those of its config.json: size mismatch for "
    )
    assert said.endswith(" give a whole model folder")


def test_moments_in_main_memory(trainings: Trainings, tmp_path: Path) -> None:
    folder = trainings.run(tmp_path, "zero3", "trainer.strategy=zero3_offload")
    assert losses(folder) == pytest.approx(losses(trainings.unbroken("zero3")), rel=1e-5)
