"""`python train.py` on the GPU from end to end: its export verified there, and what a kill changes of the result.

The tiny model in fp32: twice unbroken, and once killed with its checkpoint of a step on the disk and run again. Where the two
unbroken runs have equal bytes, the resumed one must have them, too. Where they differ, a kernel adds up in no fixed order,
and the resumed run may differ as much as fp32's rounding lets ten steps differ.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file

from benchmarks.gpu.fits import ACCELERATORS, tiny_model
from benchmarks.gpu.parity import BOUND
from benchmarks.gpu.rows import Row, Setup, at_most
from humpback_exp.modeling.export.logits import allowed

STEPS = 6
KILLED_AFTER = 2
SETTINGS = [
    "experiment=m0", "model=tiny", "model.dropout=0", "tracking=none", "trainer.precision=fp32", "data.max_length=1024",
    "optim.batch_size=8", f"optim.max_steps={STEPS}", "optim.lr=0.001", "trainer.checkpoint_every=1",
]  # fmt: skip


def rows(setup: Setup) -> Iterator[Row]:
    first, second, broken = (started(setup, name) for name in ("first", "second", "broken"))
    kill_after(broken, folder_of(setup, "broken") / f"checkpoints/step-{KILLED_AFTER:06d}.ckpt")
    runs = {"first": first, "second": second, "broken": started(setup, "broken", afresh=False)}
    for name, run in runs.items():
        said = run.communicate()[1]
        if run.returncode:
            lines = said.strip().splitlines() or [""]
            yield Row(
                "resume", f"train.py, {name} run", f"status {run.returncode}", "status 0", None, False, lines[-1][:300]
            )
            return
    metrics = json.loads((folder_of(setup, "first") / "manifest.json").read_text(encoding="utf-8"))["metrics"]
    bound = allowed(layers=2, dtype=torch.float32)
    yield at_most("resume", "export against the trained model, logits", metrics["export_difference"], bound)
    unbroken, resumed = (difference(setup, "first", other) for other in ("second", "broken"))
    yield Row("resume", "two unbroken runs, largest difference of a weight", unbroken, note=in_bytes(unbroken))
    row = at_most("resume", "killed at a step and resumed, against unbroken", resumed, BOUND if unbroken else 0.0)
    row.note = in_bytes(resumed)
    yield row


def folder_of(setup: Setup, name: str) -> Path:
    return setup.folder / "resume" / name / "models/m0"


def started(setup: Setup, name: str, afresh: bool = True) -> "subprocess.Popen[str]":
    """A training below a folder of its own, emptied first where it is to begin afresh."""
    root = setup.folder / "resume" / name
    if afresh:
        subprocess.run(["rm", "-rf", str(root)], check=True)
    where = [f"trainer={ACCELERATORS[setup.device]}", f"output_root={root}", f"model.path={tiny_model(setup.folder)}"]
    command = [sys.executable, "train.py", *SETTINGS, *where]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def kill_after(run: "subprocess.Popen[str]", sign: Path) -> None:
    """Kill a training and all it started once `sign` is on the disk, or let it end if it never is."""
    while not sign.exists() and run.poll() is None:
        time.sleep(0.01)
    try:
        os.killpg(run.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    run.communicate()


def difference(setup: Setup, one: str, other: str) -> float:
    """Largest difference of any weight; 0 only where the files' bytes are equal."""
    a, b = (folder_of(setup, name) / "model.safetensors" for name in (one, other))
    if a.read_bytes() == b.read_bytes():
        return 0.0
    first, second = load_file(a), load_file(b)
    return max(float((first[name].float() - second[name].float()).abs().max()) for name in first)


def in_bytes(difference: float) -> str:
    return "not the same bytes: a kernel adds up in no fixed order" if difference else "the same bytes"
