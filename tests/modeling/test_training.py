"""Training as a user runs it: the loss does not depend on how a step is split, and a kill changes nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.analysis.folders import read_history
from humpback_exp.modeling.load import load_model, load_tokenizer
from tests.conftest import one_line_error, run

TINY = [
    "model=tiny",
    "model.dropout=0",
    "tracking=none",
    "trainer.precision=fp32",
    "optim.batch_size=8",
    "optim.lr=0.001",
]


def train(root: Path, *arguments: str) -> Path:
    result = run("train.py", *TINY, "experiment=m0", f"output_root={root}", *arguments)
    assert result.returncode == 0, result.stderr
    return root / "models" / "m0"


@pytest.fixture(scope="module")
def whole(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("whole"), "trainer.micro_batch=8", "optim.max_steps=3")


@pytest.mark.slow
def test_accumulation_does_not_change_the_losses(whole: Path, tmp_path: Path) -> None:
    split = train(tmp_path, "trainer.micro_batch=1", "optim.max_steps=3", "trainer.gradient_checkpointing=true")
    losses = [[row["loss"] for row in read_history(folder)] for folder in (whole, split)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    assert losses[0][2] < losses[0][0]


def test_the_history_counts_labels_and_rates(whole: Path) -> None:
    rows = read_history(whole)
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert [row["lr"] for row in rows] == pytest.approx([1e-3, (1e-3 + 9e-6) / 2, 9e-6])
    assert all(row["labels"] > 300 for row in rows)


def test_the_exported_folder_loads_with_its_template(whole: Path) -> None:
    tokenizer = load_tokenizer(str(whole))
    model = load_model(str(whole), "float32")
    assert model.config.tie_word_embeddings
    assert tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False) == "<s>[INST] Hi [/INST]"
    assert (model.generation_config.temperature, model.generation_config.top_p) == (0.7, 0.9)


def test_the_manifest_names_what_was_trained_on(whole: Path) -> None:
    manifest = artifacts.load(whole)
    assert manifest.rows == {"examples": 120, "seed": 120, "web": 0}
    assert {"model.path", "data.seed_path"} == set(manifest.inputs)
    assert "model.safetensors" in manifest.files and not (whole / "checkpoints").exists()


@pytest.mark.slow
def test_lora_is_merged_on_export(tmp_path: Path, tiny: str) -> None:
    folder = train(tmp_path, "adapter=lora", "optim.max_steps=2", "trainer.micro_batch=4")
    merged, base = load_model(str(folder), "float32"), load_model(tiny, "float32")
    names = [name for name, _ in merged.named_parameters()]
    assert names == [name for name, _ in base.named_parameters()]
    assert not merged.model.layers[0].self_attn.q_proj.weight.equal(base.model.layers[0].self_attn.q_proj.weight)
    assert merged.model.embed_tokens.weight.equal(base.model.embed_tokens.weight)


@pytest.mark.slow
def test_a_full_disk_while_saving(whole: Path, small_disk: Path) -> None:
    arguments = [*TINY, "experiment=m0", f"output_root={small_disk}", "trainer.micro_batch=8", "optim.max_steps=3"]
    arguments.append("trainer.checkpoint_every=2")
    assert "no space left on the disk; free some, the same command goes on" in one_line_error(
        run("train.py", *arguments)
    )
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    result = run("train.py", *arguments)
    assert result.returncode == 0, result.stderr
    assert artifacts.load(small_disk / "models/m0").files == artifacts.load(whole).files


def test_a_batch_that_does_not_divide_is_refused(tmp_path: Path, tiny: str) -> None:
    result = run("train.py", *TINY, "trainer.micro_batch=3", f"output_root={tmp_path}")
    assert "optim.batch_size=8: must divide by trainer.micro_batch x ranks = 3 x 1" in one_line_error(result)


def test_a_missing_scored_folder_is_named(tmp_path: Path, tiny: str) -> None:
    result = run("train.py", *TINY, "experiment=m1", f"output_root={tmp_path}")
    assert f"{tmp_path}/scored/m0: no such finished folder" in one_line_error(result)


def test_too_little_context_for_every_example(tmp_path: Path, tiny: str) -> None:
    result = run("train.py", *TINY, "data.max_length=20", f"output_root={tmp_path}")
    assert "data.max_length=20: none of 120 examples fits" in one_line_error(result)


def test_a_corrupted_seed_does_not_lose_the_folder(tmp_path: Path, tiny: str) -> None:
    seed = tmp_path / "seed.jsonl"
    seed.write_text('{"instruction": "a"}\n')
    arguments = [
        *TINY,
        f"data.seed_path={seed}",
        f"output_root={tmp_path}",
        "optim.max_steps=1",
        "trainer.micro_batch=8",
    ]
    assert "seed.jsonl:1: no output" in one_line_error(run("train.py", *arguments))
    shutil.copy("examples/seed.jsonl", seed)
    assert run("train.py", *arguments).returncode == 0
