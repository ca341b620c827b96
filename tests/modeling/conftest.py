"""What tests of training share: one warm parent of all runs, and unbroken and killed runs that tests copy."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from humpback_exp.analysis.folders import read_history
from humpback_exp.modeling.load import load_model
from tests.conftest import WARM
from tests.warm import Run, Warm

SETTINGS = [
    "train.py", "experiment=m0", "model=tiny", "model.dropout=0", "tracking=none", "trainer.precision=fp32",
    "optim.batch_size=8", "optim.max_steps=6", "optim.lr=0.001", "optim.clip=0.5", "trainer.micro_batch=2",
]  # fmt: skip
"""The clipping bound lies below the gradients' norm, so that a wrongly scaled gradient would show."""
KINDS = {
    "plain": ["trainer.devices=1"],
    "ddp": ["trainer.devices=2", "trainer.strategy=ddp"],
    "zero3": ["trainer.devices=2", "trainer.strategy=zero3", "trainer.persistence_threshold=100"],
    "zero3 on one": ["trainer.devices=1", "trainer.strategy=zero3", "trainer.persistence_threshold=100"],
}
OFTEN = "trainer.checkpoint_every=1"


class Trainings:
    """Trainings of the tiny model below one folder, by kind."""

    def __init__(self, warm: Warm, root: Path) -> None:
        self.warm, self.root = warm, root
        self.unbroken = cache(self._unbroken)
        self.broken = cache(self._broken)

    def start(self, root: Path, kind: str, *more: str) -> Run:
        ranks = 2 if "trainer.devices=2" in KINDS[kind] else 1
        return self.warm(*SETTINGS, f"output_root={root}", *KINDS[kind], *more, ranks=ranks)

    def run(self, root: Path, kind: str, *more: str) -> Path:
        """The folder of a finished training; `said` in it is kept by `self.said`."""
        ended = self.start(root, kind, *more).wait()
        assert set(ended.codes) == {0}, ended.said
        self.said = ended.said
        return root / "models/m0"

    def killed(self, root: Path, kind: str, sign: str, *more: str) -> Path:
        """The folder of a training whose ranks were all killed once `sign`, a file below checkpoints, was there."""
        folder = root / "models/m0"
        self.start(root, kind, OFTEN, *more).when(folder / "checkpoints" / sign).kill().wait()
        assert not (folder / "manifest.json").exists()
        return folder

    def _unbroken(self, kind: str, *more: str) -> Path:
        return self.run(self.root / "unbroken" / name(kind, *more), kind, *more)

    def _broken(self, kind: str, *more: str) -> Path:
        root = self.root / "broken" / name(kind, *more)
        self.killed(root, kind, step(2), *more)
        return root

    def copy(self, target: Path, kind: str, *more: str) -> Path:
        """A root with a copy of a training of `kind` that was killed after step 2."""
        shutil.copytree(self.broken(kind, *more), target)
        return target


@pytest.fixture(scope="session")
def warm(tiny: str) -> Warm:
    return WARM


@pytest.fixture(scope="session")
def trainings(warm: Warm, tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    return Trainings(warm, tmp_path_factory.mktemp("trainings"))


def name(*parts: str) -> str:
    return "-".join(parts).replace("=", "-")


def one_line(run: Run) -> str:
    """The line that every rank of a refused run ends with; fails unless all have status 2 and show no traceback."""
    (line,) = {line for line in run.said.splitlines() if line.startswith("error: ")}
    assert set(run.codes) == {2} and "Traceback" not in run.said, run.said
    return line.removeprefix("error: ")


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MB, too small for one checkpoint of the tiny model."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)


def step(number: int) -> str:
    return f"step-{number:06d}.ckpt"


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in read_history(folder)]


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def distance(ours: Path, theirs: Path) -> float:
    """Largest difference of any weight."""
    ours, theirs = (load_model(str(folder), "float32").state_dict().values() for folder in (ours, theirs))
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
