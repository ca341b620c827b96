"""A refused or interrupted export as a user meets it: one line, no manifest, and no step trained again."""

from pathlib import Path

import pytest

from humpback_exp import artifacts
from tests.conftest import one_line_error, run

TRAIN = [
    "experiment=m0", "model=tiny", "model.dropout=0", "tracking=none", "optim.batch_size=8", "optim.max_steps=2",
    "optim.lr=0.001", "trainer.micro_batch=4",
]  # fmt: skip
ZERO3 = ["trainer.devices=2", "trainer.strategy=zero3", "trainer.persistence_threshold=100"]
TAMPERING = ["-m", "tests.modeling.tampering"]
TWO_RANKS = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *TAMPERING]


def exported_without_training(root: Path, *arguments: str) -> Path:
    """The folder, once the untampered command has finished it from the last checkpoint."""
    folder = root / "models/m0"
    assert not (folder / "manifest.json").exists()
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["step-000002.ckpt"]
    result = run("train.py", *TRAIN, *arguments, f"output_root={root}")
    assert result.returncode == 0, result.stderr
    assert "train m0: goes on from step-000002.ckpt" in result.stderr
    assert "train m0: step" not in result.stderr and "export: 20 tensors equal" in result.stderr
    assert not (folder / "checkpoints").exists()
    return folder


@pytest.fixture(scope="module")
def whole(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> artifacts.Manifest:
    root = tmp_path_factory.mktemp("whole")
    result = run("train.py", *TRAIN, f"output_root={root}")
    assert "train m0: step 2 of 2" in result.stderr
    return artifacts.load(root / "models/m0")


def test_a_changed_element_is_refused_in_one_line(whole: artifacts.Manifest, tmp_path: Path) -> None:
    error = one_line_error(run(*TAMPERING, "change_one_element", *TRAIN, f"output_root={tmp_path}"))
    assert error.startswith(
        f"{tmp_path}/models/m0: the export is not the trained model: "
        "model.layers.1.mlp.gate_proj.weight[3, 5]: 0.5 on the disk, "
    )
    assert error.endswith(
        " in training; must be equal; the checkpoints are kept, the same command exports again without training"
    )
    assert artifacts.load(exported_without_training(tmp_path)).files == whole.files


@pytest.mark.slow
@pytest.mark.parametrize("deed", ["die", "die_while_finishing"])
def test_killed_before_the_manifest(whole: artifacts.Manifest, tmp_path: Path, deed: str) -> None:
    assert run(*TAMPERING, deed, *TRAIN, f"output_root={tmp_path}").returncode == -9
    again = artifacts.load(exported_without_training(tmp_path))
    assert (again.files, again.metrics, again.rows) == (whole.files, whole.metrics, whole.rows)


def errors(text: str) -> set[str]:
    return {line for line in text.splitlines() if line.startswith("error: ")}


@pytest.mark.slow
def test_two_zero3_ranks_refuse_together(tiny: str, tmp_path: Path) -> None:
    """One element, which the first rank sees on the disk; then greedy tokens, for which both load the folder partitioned."""
    arguments = [*TRAIN, *ZERO3, f"output_root={tmp_path}"]
    first = run(*TWO_RANKS, "change_one_element", *arguments)
    second = run(*TWO_RANKS, "punish_repetition", *arguments)
    assert first.returncode != 0 and second.returncode != 0
    assert "train m0: step" in first.stderr and "train m0: step" not in second.stderr
    (one,), (two,) = errors(first.stderr), errors(second.stderr)
    refused = f"error: {tmp_path}/models/m0: the export is not the trained model: "
    assert one.startswith(f"{refused}model.layers.1.mlp.gate_proj.weight[3, 5]: 0.5 on the disk, ")
    assert two.startswith(f"{refused}prompt 'Name three uses of salt in a kitchen.': greedy token 46 is ")
    exported_without_training(tmp_path, *ZERO3)
