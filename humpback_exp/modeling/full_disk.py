"""A full disk, told alike by whatever writes: torch and safetensors each raise an error of their own."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from humpback_exp.errors import NO_ROOM

ALMOST_NOTHING = 1 << 20
"""Bytes; a writer that fails with less than this free failed for want of space."""


@contextmanager
def naming_a_full_disk(folder: Path) -> Iterator[None]:
    """Raise one error, that of the operating system, for a disk or quota that is full; torch and safetensors raise their own."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        told = next((number for number in NO_ROOM if os.strerror(number) in str(error)), None)
        if told is None and shutil.disk_usage(folder).free > ALMOST_NOTHING:
            raise
        told = told or errno.ENOSPC
        raise OSError(told, os.strerror(told), str(folder)) from None
