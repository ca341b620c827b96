"""What must stop a training does so at once, in one line, on every rank, and costs no good checkpoint."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from humpback_exp.data.sampler import step_indices
from humpback_exp.errors import format_error
from humpback_exp.execution import ranks
from humpback_exp.modeling.full_disk import naming_a_full_disk
from tests.conftest import ROOT, one_line_error, run
from tests.modeling.conftest import KINDS, OFTEN, SETTINGS, Trainings, children, losses, one_line, step, weights

pytestmark = pytest.mark.slow
SNOWMAN = "\u2603"


@pytest.fixture(scope="module")
def poisoned(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A seed one of whose pairs holds a character no other holds, and a base whose (frozen) embedding of it is no number."""
    from transformers import AutoTokenizer

    root = tmp_path_factory.mktemp("poisoned")
    shutil.copytree(tiny, root / "model")
    config = json.loads((root / "model/config.json").read_text()) | {"tie_word_embeddings": False}
    (root / "model/config.json").write_text(json.dumps(config))
    tensors = load_file(root / "model/model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    bad = AutoTokenizer.from_pretrained(tiny)(SNOWMAN, add_special_tokens=False)["input_ids"][-1]
    tensors["model.embed_tokens.weight"][bad] = float("nan")
    save_file(tensors, root / "model/model.safetensors", metadata={"format": "pt"})
    rows = (ROOT / "examples/seed.jsonl").read_text().splitlines()
    third = step_indices(0, 2, len(rows), 8)[0]
    row = json.loads(rows[third])
    rows[third] = json.dumps(row | {"id": "poison", "instruction": row["instruction"] + SNOWMAN}, ensure_ascii=False)
    (root / "seed.jsonl").write_text("\n".join(rows))
    return [f"model.path={root}/model", f"data.seed_path={root}/seed.jsonl"]


@pytest.mark.parametrize("kind", ["plain", "ddp", "zero3"])
def test_a_loss_that_is_no_number_names_step_and_rows(
    trainings: Trainings, tmp_path: Path, poisoned, kind: str
) -> None:
    ended = trainings.start(tmp_path, kind, OFTEN, "adapter=lora", *poisoned).wait()
    said = one_line(ended)
    assert said.startswith("step 3: the loss of the micro-batch of rows ")
    rows = said.removeprefix("step 3: the loss of the micro-batch of rows ").split(" is not finite")[0].split(", ")
    assert len(rows) == 2 and "poison" in rows, said
    assert "(the newest checkpoint is step-000002.ckpt); mend or leave out those rows, or lower optim.lr=0.001" in said
    kept = sorted(path.name for path in (tmp_path / "models/m0/checkpoints").iterdir())
    assert kept == [step(1), step(2)]


def test_weights_that_are_no_numbers_are_never_saved(trainings: Trainings, tmp_path: Path) -> None:
    """One step with a decay beyond all bounds: its loss and gradient are finite, what it makes of the weights is not."""
    ended = trainings.start(tmp_path, "zero3", OFTEN, "optim.weight_decay=1e42").wait()
    assert one_line(ended) == (
        "optim.lr=0.001: weights or moments are no longer finite after step 1, which is not saved; lower it; the newest "
        "checkpoint is none"
    )
    assert not list((tmp_path / "models/m0/checkpoints").glob("*"))


@pytest.mark.parametrize("kind", ["plain", "ddp"])
def test_a_gradient_that_is_no_number(trainings: Trainings, tmp_path: Path, tiny: str, kind: str) -> None:
    """A last norm of 1e25 leaves the loss finite, but not the norm of the gradient, which ZeRO-3 adds up in wider numbers."""
    shutil.copytree(tiny, tmp_path / "steep")
    tensors = load_file(tmp_path / "steep/model.safetensors")
    tensors["model.norm.weight"] *= 1e25
    save_file(tensors, tmp_path / "steep/model.safetensors", metadata={"format": "pt"})
    ended = trainings.start(tmp_path, kind, OFTEN, f"model.path={tmp_path}/steep").wait()
    said = one_line(ended)
    assert said.startswith("step 1: the gradient of the step of rows ") and said.count("seed-") == 8
    assert "not kept (no checkpoint yet)" in said


def ended_badly(root: Path, kind: str, victim: int) -> tuple[int, str]:
    """Status and last words of a command one of whose ranks is killed after its first checkpoint; none may be left."""
    command = [sys.executable, *SETTINGS, f"output_root={root}", *KINDS[kind], OFTEN]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while not (root / "models/m0/checkpoints" / step(1)).exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    ranks = children(process.pid)
    os.kill(ranks[victim], signal.SIGKILL)
    _, said = process.communicate(timeout=300)
    assert len(ranks) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in ranks)
    return process.returncode, said


def test_a_rank_that_dies_ends_the_command(trainings: Trainings, tmp_path: Path) -> None:
    """The other waits for it in a collective."""
    status, said = ended_badly(tmp_path, "zero3", victim=1)
    assert status == 128 + signal.SIGKILL and "Traceback" not in said, said
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "rank 1 of 2 was killed by SIGKILL; what was finished is kept, the same command goes on from there" in line
    folder = trainings.run(tmp_path, "zero3")
    assert losses(folder) == losses(trainings.unbroken("zero3")) and weights(folder) == weights(
        trainings.unbroken("zero3")
    )


def test_ranks_that_hang_are_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that waits on a GPU for a rank that is gone: it notices nothing, and no signal but SIGKILL reaches it."""
    monkeypatch.setattr(ranks, "GRACE", 0.2)
    (tmp_path / "rank.py").write_text(
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "time.sleep(60) if os.environ['RANK'] == '0' else sys.exit(3)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    processes = ranks.start_ranks(["rank"], count=3, keep=[])
    assert ranks.wait_for(processes) == (1, 3)
    assert [process.returncode for process in processes] == [-signal.SIGKILL, 3, 3]


def test_a_full_disk_under_zero3(trainings: Trainings, small_disk: Path) -> None:
    """The line of the rank that could not write, not what the other says of losing it."""
    said = one_line_error(run(*SETTINGS, f"output_root={small_disk}", *KINDS["zero3"], "trainer.checkpoint_every=3"))
    assert said == f"{small_disk}/models/m0: no space left on the disk; free some, the same command goes on"
    assert not list((small_disk / "models/m0/checkpoints").glob("step-*"))
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    folder = trainings.run(small_disk, "zero3", "trainer.checkpoint_every=3")
    assert weights(folder) == weights(trainings.unbroken("zero3"))


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "no space left in your quota of the disk"),
        (RuntimeError("I/O error: Disk quota exceeded (os error 122)"), "no space left in your quota of the disk"),
        (RuntimeError("PytorchStreamWriter: No space left on device"), "no space left on the disk"),
    ],
)
def test_a_quota_that_ends_during_a_checkpoint(tmp_path: Path, error: Exception, told: str) -> None:
    with pytest.raises(OSError) as caught, naming_a_full_disk(tmp_path):
        raise error
    assert format_error(caught.value) == f"{tmp_path}: {told}; free some, the same command goes on"


def test_another_fault_of_writing_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="unexpected pos"), naming_a_full_disk(tmp_path):
        raise RuntimeError("unexpected pos 64 vs 0")


def test_too_few_devices(trainings: Trainings, tmp_path: Path) -> None:
    said = one_line(trainings.warm(*SETTINGS, f"output_root={tmp_path}", "trainer=zero3", "optim.batch_size=16").wait())
    assert "needs 8 GPUs" in said
    said = one_line(trainings.warm(*SETTINGS, f"output_root={tmp_path}", *KINDS["plain"], ranks=2).wait())
    assert "trainer.devices=1: on trainer.nodes=1 node(s) that makes 1 ranks, but 2 were started" in said
