"""Two ranks for real, over gloo: DDP and ZeRO-3 give the losses and weights of one process, resumed ones too."""

from pathlib import Path

import pytest

from humpback_exp.analysis.collect import read_history
from humpback_exp.modeling.load import load_model
from tests.conftest import run
from tests.test_loop import killed_when

pytestmark = pytest.mark.slow
SETTINGS = [
    "train.py", "experiment=m0", "model=tiny", "model.dropout=0", "tracking=none", "trainer.precision=fp32",
    "optim.batch_size=8", "optim.max_steps=4", "optim.lr=0.001", "optim.clip=0.5", "trainer.micro_batch=2",
]  # fmt: skip
RANKS = {
    "ddp": ["trainer.devices=2", "trainer.strategy=ddp"],
    "zero3": ["trainer.devices=2", "trainer.strategy=zero3", "trainer.persistence_threshold=100"],
}


def train(root: Path, *arguments: str) -> Path:
    result = run(*SETTINGS, f"output_root={root}", *arguments)
    assert result.returncode == 0, result.stderr
    return root / "models/m0"


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in read_history(folder)]


def distance(ours: Path, theirs: Path) -> float:
    """Largest difference of any weight."""
    pairs = zip(
        load_model(str(ours), "float32").parameters(), load_model(str(theirs), "float32").parameters(), strict=True
    )
    return max(float((a - b).abs().max()) for a, b in pairs)


@pytest.fixture(scope="module")
def alone(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("alone"))


@pytest.mark.parametrize("strategy", RANKS)
def test_two_ranks_train_as_one_process(alone: Path, tmp_path: Path, strategy: str) -> None:
    """The clipping bound lies below the gradients' norm, so that a wrongly scaled gradient would show."""
    together = train(tmp_path, *RANKS[strategy])
    assert losses(together) == pytest.approx(losses(alone), rel=1e-5)
    assert distance(together, alone) < 2e-4


def test_zero3_killed_and_resumed_is_the_unbroken_run(tmp_path: Path, tiny: str) -> None:
    whole = train(tmp_path / "whole", *RANKS["zero3"])
    broken = tmp_path / "broken"
    sign = broken / "models/m0/checkpoints/step-000002.ckpt"
    killed_when(sign, *SETTINGS, f"output_root={broken}", *RANKS["zero3"], "trainer.checkpoint_every=2")
    again = train(broken, *RANKS["zero3"], "trainer.checkpoint_every=2")
    assert losses(again) == losses(whole)
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_resumed_under_another_micro_batch(alone: Path, tmp_path: Path) -> None:
    sign = tmp_path / "models/m0/checkpoints/step-000001.ckpt"
    killed_when(sign, *SETTINGS, f"output_root={tmp_path}", "trainer.checkpoint_every=1")
    resumed = train(tmp_path, "trainer.micro_batch=1", "trainer.checkpoint_every=1")
    assert losses(resumed) == pytest.approx(losses(alone), rel=1e-5)
    assert distance(resumed, alone) < 2e-4


def test_lora_under_zero3_is_merged_on_export(tmp_path: Path, tiny: str) -> None:
    one, two = train(tmp_path / "one", "adapter=lora"), train(tmp_path / "two", "adapter=lora", *RANKS["zero3"])
    assert losses(two) == pytest.approx(losses(one), rel=1e-5)
    assert distance(one, two) < 2e-4
    assert distance(two, Path(tiny)) > 1e-4
