"""What a worker had in hand when it died, and whether that is to blame. Called by chunks.

A worker leaves word of every step before it takes it. Whoever goes on with the unit tries the step at which the word ends in
a process of its own first; if that dies, too, the step is set aside. So a page that kills its worker costs two processes,
and a worker that was killed from outside changes nothing.
"""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import write_text
from humpback_exp.distributed import die_with_parent
from humpback_exp.progress import log

SECONDS = 60.0
"""Processor time after which the cutting of a page kills its worker (ours); it takes milliseconds."""
READING_SECONDS = 1800.0
"""The same of reading, which may pass over a whole range (ours); that takes half a minute."""
LENGTH = 24
"""Bytes of the word, of which each takes the place of the one before."""


class Suspects:
    """The steps of one unit, of which some may have been set aside."""

    def __init__(self, path: Path) -> None:
        """
        Args:
            path: of two files, `.hand` and `.aside`, that outlive the worker.
        """
        self.hand, self.saved = path.with_suffix(".hand"), path.with_suffix(".aside")
        self.aside: dict[str, str] = json.loads(self.saved.read_text()) if self.saved.exists() else {}
        """Step -> what it was about, for people to read."""
        self.suspect = self.hand.read_text().strip() if self.hand.exists() else ""

    def __enter__(self) -> "Suspects":
        self.hand.parent.mkdir(parents=True, exist_ok=True)
        self.file = os.open(self.hand, os.O_WRONLY | os.O_CREAT)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        os.close(self.file)

    def allows(self, step: str, about: str, seconds: float, function: Callable[..., Any], *arguments: Any) -> bool:
        """Leave word of a step that is about to be taken; False where it is set aside.

        Args:
            about: what is set aside, for people to read.
            seconds: processor time that it may take.
            function: what the step does, called in a process of its own where a worker died in it.
        """
        if step == self.suspect and step not in self.aside and not survives(seconds, function, *arguments):
            self.aside[step] = about
            write_text(self.saved, json.dumps(self.aside))
            log.warning("%s: killed two processes and was set aside", about)
        if step in self.aside:
            return False
        os.pwrite(self.file, step.ljust(LENGTH).encode(), 0)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # its signal ends the process whatever code it is in
        return True


def survives(seconds: float, function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether a process of its own ends well when it calls a function."""
    # Spawned: a fork would copy the locks that Arrow's threads hold.
    process = multiprocessing.get_context("spawn").Process(
        target=_alone, args=(os.getpid(), seconds, function, arguments)
    )
    process.start()
    process.join()
    return process.exitcode == 0


def _alone(parent: int, seconds: float, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    die_with_parent(parent)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    function(*arguments)
