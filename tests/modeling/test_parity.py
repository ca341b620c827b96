"""The parity card: one, two DDP and two ZeRO-3 ranks, padded and padding-free, accumulated and checkpointed, one loss curve."""

from pathlib import Path

import pytest

from benchmarks.parity import CELLS, REFERENCE, difference, losses

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reference(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    return losses(REFERENCE, tmp_path_factory.mktemp("reference"))


@pytest.mark.parametrize("cell", CELLS[1:], ids=lambda cell: "-".join(part for part in cell if part))
def test_the_losses_are_those_of_one_process(
    reference: list[float], tmp_path: Path, cell: tuple[str, str, str, str]
) -> None:
    assert difference(losses(cell, tmp_path), reference) < 1e-5
    assert reference[2] < reference[0]
