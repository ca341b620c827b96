"""A rank ends with its work: nothing that is still there can abort it, and nothing that it said or left to do is lost."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT

END = """
import atexit, os, sys
from humpback_exp.errors import user_errors

class Thread:
    '''As one of gloo's, which aborts the process where the interpreter takes it down.'''
    def __del__(self, abort=os.abort):
        abort()

thread = Thread()
atexit.register(lambda: print("left to do"))

def main():
    print("said")
    {last}

user_errors(main, child=True)
"""


@pytest.mark.parametrize(
    ("last", "status", "told"),
    [
        ("", 0, ""),
        ("raise ValueError('seed_size=5: too many')", 2, "error: seed_size=5: too many\n"),
        ("raise KeyError('of ours')", 1, "KeyError: 'of ours'\n"),
        ("sys.exit(3)", 3, ""),
        ("from humpback_exp.distributed import Stopped; raise Stopped(15)", 143, ""),
    ],
)
def test_a_rank_ends_with_its_work(last: str, status: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    ended = subprocess.run([sys.executable, "-c", END.format(last=last)], capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (status, "said\nleft to do\n"), ended.stderr
    assert ended.stderr.endswith(told) and ("Traceback" in ended.stderr) == (status == 1)


def test_any_other_process_ends_as_python_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    ended = subprocess.run([sys.executable, "-c", END.format(last="")], capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == -6
