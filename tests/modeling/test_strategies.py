"""Two ranks for real, over gloo: DDP and ZeRO-3 give the losses and weights of one process."""

from pathlib import Path

import pytest

from tests.modeling.conftest import OFTEN, Trainings, distance, losses, step

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["ddp", "zero3", "zero3 on one"])
def test_two_ranks_train_as_one_process(trainings: Trainings, kind: str) -> None:
    alone, together = trainings.unbroken("plain"), trainings.unbroken(kind)
    assert losses(together) == pytest.approx(losses(alone), rel=1e-5)
    assert distance(together, alone) < 2e-4


@pytest.mark.parametrize("kind", ["ddp", "zero3"])
@pytest.mark.parametrize("batch", [7, 1])
def test_a_batch_that_ranks_cannot_share_equally_trains_as_one_process(
    trainings: Trainings, kind: str, batch: int
) -> None:
    """Seven examples are four passes of two ranks, one of eight repeated; of one example a rank has nothing of its own."""
    words = (f"optim.batch_size={batch}", "trainer.micro_batch=1")
    alone, together = trainings.unbroken("plain", *words), trainings.unbroken(kind, *words)
    assert losses(together) == pytest.approx(losses(alone), rel=1e-5)
    assert distance(together, alone) < 2e-4


def test_resumed_under_another_micro_batch(trainings: Trainings, tmp_path: Path) -> None:
    trainings.killed(tmp_path, "plain", step(1))
    resumed = trainings.run(tmp_path, "plain", "trainer.micro_batch=1", OFTEN)
    assert losses(resumed) == pytest.approx(losses(trainings.unbroken("plain")), rel=1e-5)
    assert distance(resumed, trainings.unbroken("plain")) < 2e-4


def test_lora_under_zero3_is_merged_on_export(trainings: Trainings, tiny: str) -> None:
    one, two = trainings.unbroken("plain", "adapter=lora"), trainings.unbroken("zero3", "adapter=lora")
    assert losses(two) == pytest.approx(losses(one), rel=1e-5)
    assert distance(one, two) < 2e-4
    assert distance(two, Path(tiny)) > 1e-4
