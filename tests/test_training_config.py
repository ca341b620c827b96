"""How many examples a forward pass holds."""

import pytest

from humpback_exp.config import TrainerConfig


@pytest.mark.parametrize(
    ("batch", "length", "settings", "size"),
    [
        (8, 1024, {}, 8),
        (8, 2048, {}, 4),
        (32, 2048, {"devices": 8, "strategy": "zero3"}, 4),
        (8, 2048, {"devices": 8, "strategy": "zero3"}, 1),
        (32, 2048, {"devices": 8, "nodes": 2, "strategy": "zero3"}, 2),
        (12, 2048, {}, 4),
        (9, 2048, {}, 3),
        (8, 16384, {}, 1),
        (8, 2048, {"micro_batch": 8}, 8),
        (8, 2048, {"micro_tokens": 4096}, 2),
        (8, 1024, {"devices": 3, "strategy": "ddp"}, 1),
        (8, 1024, {"devices": 8, "nodes": 2, "strategy": "zero3", "micro_batch": 1}, 1),
    ],
)
def test_a_pass_holds_what_its_tokens_allow(batch: int, length: int, settings: dict, size: int) -> None:
    assert TrainerConfig(**settings).pass_size(batch, length) == size


@pytest.mark.parametrize(
    ("batch", "ranks", "passes"), [(32, 16, 1), (8, 16, 1), (12, 8, 2), (7, 2, 4), (8, 2, 1), (1, 2, 1)]
)
def test_every_rank_takes_as_many_passes(batch: int, ranks: int, passes: int) -> None:
    assert TrainerConfig(devices=ranks, strategy="zero3").passes(batch, 1024) == passes


@pytest.mark.parametrize(
    "settings", [{"micro_batch": 3}, {"devices": 3, "strategy": "ddp", "micro_batch": 2}, {"micro_batch": 16}]
)
def test_a_batch_that_does_not_divide(settings: dict) -> None:
    with pytest.raises(ValueError, match=r"optim.batch_size=8: must divide by trainer.micro_batch x ranks = \d+ x \d"):
        TrainerConfig(**settings).pass_size(8, 1024)
