"""A refused or interrupted export as a user meets it: one line, no manifest, and no step trained again."""

from pathlib import Path

import pytest

from humpback_exp import artifacts
from tests.modeling.conftest import KINDS, SETTINGS, Trainings, one_line, step
from tests.warm import Run, Warm

pytestmark = pytest.mark.slow
FINISHED = step(6)
LINE = "the export is not the trained model: "
KEPT = "; the checkpoints are kept, the same command exports again without training"


def tampered(warm: Warm, deed: str, root: Path, kind: str, *more: str) -> Run:
    """A training whose export or folder suffers `deed` (tampering.py)."""
    ranks = 2 if "trainer.devices=2" in KINDS[kind] else 1
    command = ["tests/modeling/tampering.py", deed, *SETTINGS[1:], f"output_root={root}", *KINDS[kind], *more]
    return warm(*command, ranks=ranks).wait()


def exported_without_training(trainings: Trainings, root: Path, kind: str, *more: str) -> artifacts.Manifest:
    """The manifest, once the untampered command has finished the folder from its last checkpoint."""
    folder = root / "models/m0"
    assert not (folder / "manifest.json").exists() and (folder / "checkpoints" / FINISHED).exists()
    trainings.run(root, kind, *more)
    assert f"train m0: goes on from {FINISHED}" in trainings.said and "export: 20 tensors equal" in trainings.said
    assert "train m0: step" not in trainings.said and not (folder / "checkpoints").exists()
    return artifacts.load(folder)


def test_a_changed_element_is_refused_in_one_line(trainings: Trainings, warm: Warm, tmp_path: Path) -> None:
    error = one_line(tampered(warm, "change_one_element", tmp_path, "plain"))
    assert error.startswith(f"{tmp_path}/models/m0: {LINE}model.layers.1.mlp.gate_proj.weight[3, 5]: 0.5 on the disk, ")
    assert error.endswith(f" in training; must be equal{KEPT}")
    again = exported_without_training(trainings, tmp_path, "plain")
    assert again.files == artifacts.load(trainings.unbroken("plain")).files


@pytest.mark.parametrize("deed", ["die", "die_while_finishing"])
def test_killed_before_the_manifest(trainings: Trainings, warm: Warm, tmp_path: Path, deed: str) -> None:
    assert tampered(warm, deed, tmp_path, "plain").codes == [-9]
    again, whole = (
        exported_without_training(trainings, tmp_path, "plain"),
        artifacts.load(trainings.unbroken("plain")),
    )
    assert (again.files, again.rows) == (whole.files, whole.rows)
    assert again.metrics["export_difference"] == whole.metrics["export_difference"] < 1e-6


@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_two_zero3_ranks_refuse_together(trainings: Trainings, warm: Warm, tmp_path: Path, adapter: str) -> None:
    """One element, which the first rank sees on the disk; then greedy tokens, for which both load the folder partitioned."""
    few = ["optim.batch_size=2", "trainer.micro_batch=1"]  # bf16 is slow on CPUs without instructions for it
    options = ["trainer.precision=bf16", "model.export_dtype=bfloat16", f"adapter={adapter}", *few]
    first = one_line(tampered(warm, "change_one_element", tmp_path, "zero3", *options))
    assert first.startswith(f"{tmp_path}/models/m0: {LINE}model.layers.1.mlp.gate_proj.weight[3, 5]: 0.5 on the disk, ")
    run = tampered(warm, "punish_repetition", tmp_path, "zero3", *options)
    assert "train m0: step" not in run.said
    second = one_line(run)
    assert second.startswith(
        f"{tmp_path}/models/m0: {LINE}prompt 'Name three uses of salt in a kitchen.': greedy token "
    )
    exported_without_training(trainings, tmp_path, "zero3", *options)
