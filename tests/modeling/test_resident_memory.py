"""Resident memory of a CPU training does not grow with its steps: kernels for ever other lengths go, and so do holes."""

import re

import pytest

from humpback_exp.modeling.memory import GROWTH, FreedMemory
from tests.conftest import run

STEPS, WARM = 60, 10
MEASURED = """
import atexit, runpy, sys
from humpback_exp.modeling import memory
bound, seen = memory.FreedMemory.bound, []

def measured(self):
    bound(self)
    seen.append(memory.resident_memory() >> 20)

memory.FreedMemory.bound = measured
atexit.register(lambda: print("resident", *seen))
sys.argv = ["train.py", *sys.argv[1:]]
runpy.run_path("train.py", run_name="__main__")
"""


@pytest.mark.slow
def test_steps_of_ever_other_lengths_take_no_more_memory(tmp_path, tiny: str) -> None:
    """MiB after 10 and after 60 steps in bf16; with oneDNN's own 1,024 kernels they lie 400 apart."""
    ended = run(
        "-c", MEASURED, "model=tiny", "tracking=none", "trainer.precision=bf16", "model.dropout=0", "optim.batch_size=2",
        f"optim.max_steps={STEPS}", f"output_root={tmp_path}",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    resident = [int(size) for size in re.search(r"resident (.*)", ended.stdout)[1].split()]
    assert len(resident) == STEPS
    assert max(resident[WARM:]) - resident[WARM] < 40


def test_holes_are_given_back_once_memory_has_grown(monkeypatch) -> None:
    """A fresh heap is measured after a step and after every trim; growth is bounded by the most a fresh one needed."""
    memory, resident, trims = FreedMemory(), iter([100, 110, 121, 90, 119, 121]), []
    monkeypatch.setattr("humpback_exp.modeling.memory.resident_memory", lambda: next(resident))
    monkeypatch.setattr(memory, "library", type("C", (), {"malloc_trim": lambda _, pad: trims.append(pad)})())
    seen = []
    for _ in range(6):
        memory.bound()
        seen.append(len(trims))
    assert GROWTH == 1.2 and seen == [0, 0, 1, 1, 1, 2]
