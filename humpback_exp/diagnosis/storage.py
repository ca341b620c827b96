"""The disk below output_root: locks, renames, speed and room. Folders are claimed by locks and committed by renames."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from humpback_exp.diagnosis.finding import DOUBTFUL, Finding, finding
from humpback_exp.planning.machine import GIB

SIZE = 256 << 20
"""Bytes that are written and read to measure speed."""
SLOW = 100 << 20
"""Bytes a second below which a checkpoint of a large model takes longer than the steps between two (ours)."""
LOCKED = 9
"""Exit status of a process that a lock kept out."""
TAKE_LOCK = f"""
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1], "w"), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit({LOCKED})
"""


def check_storage(output_root: str, kept: int, most: int) -> list[Finding]:
    """Locks, atomic renames, speed of writing, and room for what the plan keeps and holds at most, in bytes."""
    root = Path(output_root)
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=root) as folder:
        findings = [check_locks(Path(folder)), check_rename(Path(folder)), check_speed(Path(folder))]
    free = shutil.disk_usage(root).free
    found = f"{free / GIB:.1f} GiB free; the loop keeps {kept / GIB:.1f} and holds {most / GIB:.1f} at most"
    return [*findings, finding(f"room below {root}", found, free >= most, "free some, or give another output_root=")]


def check_locks(folder: Path) -> Finding:
    """A lock that this process holds keeps another process out."""
    path = folder / "lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        status = subprocess.run([sys.executable, "-c", TAKE_LOCK, str(path)]).returncode
    remedy = (
        "mount the file system with flock (Lustre: -o flock, NFS: version 4); else two commands may write one folder"
    )
    excludes = status == LOCKED
    return finding("locks", "exclude another process" if excludes else "exclude nobody", excludes, remedy)


def check_rename(folder: Path) -> Finding:
    """A file replaces another by one rename."""
    old, new = folder / "old", folder / "new"
    old.write_text("old")
    new.write_text("new")
    new.replace(old)
    return finding("renames", "atomic", old.read_text() == "new", "give an output_root= on a POSIX file system")


def check_speed(folder: Path) -> Finding:
    """Bytes a second of a file written and synced to the disk."""
    path, block = folder / "speed", os.urandom(1 << 20)
    started = time.perf_counter()
    with path.open("wb") as file:
        for _ in range(SIZE >> 20):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    speed = SIZE / (time.perf_counter() - started)
    remedy = "checkpoints will take long; give an output_root= on a faster disk, or raise trainer.checkpoint_every"
    return finding("writing", f"{speed / (1 << 20):,.0f} MiB/s", speed >= SLOW, remedy, DOUBTFUL)
