"""A command ends with its work: nothing that is still there can abort it, and nothing that it said or left to do is lost."""

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


@pytest.mark.parametrize("rank", ["", "0"])
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
def test_a_command_ends_with_its_work(
    last: str, status: int, told: str, rank: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank:
        monkeypatch.setenv("RANK", rank)
    ended = subprocess.run([sys.executable, "-c", END.format(last=last)], capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (status, "said\nleft to do\n"), ended.stderr
    assert ended.stderr.endswith(told) and ("Traceback" in ended.stderr) == (status == 1)


def test_threads_of_python_are_waited_for() -> None:
    body = END.replace("abort()", "abort").format(
        last="import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start()"
    )
    ended = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, cwd=ROOT)
    assert (ended.returncode, ended.stdout) == (0, "said\ndone\nleft to do\n"), ended.stderr
