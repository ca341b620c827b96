"""All ranks of one node: started from outside, watched, stopped together."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import FrameType, MappingProxyType

from humpback_exp.distributed import LOST, Stopped, die_with_parent

PASSED_ON = (signal.SIGTERM, signal.SIGUSR1)
"""Not SIGUSR2: a point's process leaves it to submitit, which then asks Slurm to start the point again."""
SOON = 1.0
"""Seconds in which a Ctrl-C that reached all processes of a terminal has ended them; it may have reached this one only."""
GRACE = 15.0
"""Seconds that ranks get to end by themselves once one has ended badly."""
Process = subprocess.Popen[bytes]
_running: list[Process] = []
"""The ranks of the stage that this process waits for."""


def start_ranks(
    module: Sequence[str], count: int, keep: Sequence[int], environment: Mapping[str, str] = MappingProxyType({})
) -> list[Process]:
    """Start `python -m MODULE` once, or as `count` ranks of one node, which die with this process.

    Args:
        keep: descriptors the ranks inherit.
        environment: variables that they have beside ours.
    """
    variables = [{}] if count == 1 else rank_variables(count)
    command = [sys.executable, "-m", *module]
    return [
        subprocess.Popen(command, env={**os.environ, **environment, **own}, pass_fds=keep, preexec_fn=die_with_parent)
        for own in variables
    ]


def rank_variables(count: int) -> list[dict[str, str]]:
    """What each of `count` ranks on this machine finds in its environment, under the names torchrun uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, (os.cpu_count() or 1) // count))
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GROUP_RANK": "0"}
    return [shared | {"OMP_NUM_THREADS": threads, "RANK": str(i), "LOCAL_RANK": str(i)} for i in range(count)]


def wait_for(ranks: Sequence[Process]) -> tuple[int, int]:
    """Wait until every rank has ended; once one ended badly the others get `GRACE` seconds, then SIGKILL.

    Returns:
        The rank that ended badly first and its return code, (0, 0) when all ended well.

    Raises:
        Stopped: a signal came meanwhile; the ranks got it too and have ended.
    """
    culprit, deadline = (0, 0), float("inf")
    _running[:] = ranks
    with passing_on(ranks):
        while None in [process.poll() for process in ranks]:
            ended = [(i, process.returncode) for i, process in enumerate(ranks) if process.returncode]
            if ended and deadline == float("inf"):
                culprit, deadline = ended[0], time.monotonic() + GRACE
            if time.monotonic() > deadline:
                for process in ranks:
                    process.kill()
            time.sleep(0.02)
    codes = [(i, process.returncode) for i, process in enumerate(ranks) if process.returncode]
    if culprit[1] in (0, LOST):
        culprit = next((each for each in codes if each[1] != LOST), codes[0] if codes else (0, 0))
    return culprit


def end(processes: Collection[Process | BaseProcess], after: float) -> None:
    """Wait for processes to end; those that live after so many seconds get a SIGTERM, on which trainings save."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline and any(alive(process) for process in processes):
        time.sleep(0.02)
    for process in processes:
        if alive(process):
            process.terminate()
    while any(alive(process) for process in processes):
        time.sleep(0.02)


def alive(process: Process | BaseProcess) -> bool:
    return process.is_alive() if isinstance(process, BaseProcess) else process.poll() is None


def save_and_stop() -> None:
    """Ask the ranks that are waited for to save, and return when they have ended.

    For signal handlers, which may have interrupted Popen's own waiting: it neither takes its lock nor reaps.
    """
    left = [process.pid for process in _running if process.returncode is None]
    for pid in left:
        os.kill(pid, signal.SIGTERM)
    for pid in left:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


@contextmanager
def passing_on(ranks: Sequence[Process]) -> Iterator[None]:
    """Send a signal of `PASSED_ON` on to the ranks and raise `Stopped` at the end; Ctrl-C mostly reaches them by itself.

    Whatever else ends the wait, as submitit does when its job is about to end, leaves the ranks time to save.
    """
    caught: list[int] = []

    def pass_on(signum: int, _: FrameType | None) -> None:
        caught.append(signum)
        for process in ranks:
            process.send_signal(signum)

    before = {each: signal.signal(each, pass_on) for each in PASSED_ON}
    try:
        yield
    except BaseException as why:
        end(ranks, SOON if isinstance(why, KeyboardInterrupt) else 0.0)
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if caught:
        raise Stopped(caught[0])
