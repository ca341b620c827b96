"""Memory of each process of a segmentation, for few and for many unique pages.

    python benchmarks/corpus_memory.py 1000 100000

The pages are JSON lines, or with --files an HTML file each. A peak is the kernel's high-water mark of resident memory (VmHWM)
that a process has reached when it was last looked at, ten times a second.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import CorpusConfig, SegmentConfig, TrackingConfig
from humpback_exp.progress import table

THINGS = "barrel ledger lantern rope kettle map loom clock saddle anvil net oar plough kiln churn lathe".split()
FILES_A_FOLDER = 1000


def pages(count: int) -> Iterator[str]:
    """English that no two pages share."""
    for page in range(count):
        lines = [
            f"In house {page} they kept {page * 7 + n} old {THINGS[(page + n) % 16]}s "
            f"and {THINGS[page * n % 16]}s from year {n * page}."
            for n in range(12)
        ]
        yield f"<html><body><h1>House number {page}</h1><p>{' '.join(lines)}</p></body></html>"


def write(folder: Path, count: int, files: bool) -> None:
    """The pages as one file of lines, or as files."""
    folder.mkdir()
    if not files:
        with (folder / "pages.jsonl").open("w") as file:
            file.writelines(
                json.dumps({"url": f"http://h{n}.org/", "html": page}) + "\n" for n, page in enumerate(pages(count))
            )
        return
    for number, page in enumerate(pages(count)):
        below = folder / f"{number // FILES_A_FOLDER:04d}"
        below.mkdir(exist_ok=True)
        (below / f"{number}.html").write_text(page)


def peaks(command: list[str]) -> tuple[float, list[float]]:
    """MiB of the command at its peak, and of each of its workers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    found: dict[int, float] = {}
    while process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            for pid in (process.pid, *map(int, children.read_text().split())):
                status = Path(f"/proc/{pid}/status").read_text()
                found[pid] = int(status.split("VmHWM:")[1].split()[0]) / 1024
        except (OSError, IndexError):
            pass
        time.sleep(0.1)
    assert process.returncode == 0, "the segmentation failed"
    return found.pop(process.pid), sorted(found.values())


def measured(count: int, files: bool, workers: int) -> dict[str, object]:
    """One segmentation in processes of its own."""
    with tempfile.TemporaryDirectory() as root:
        write(Path(root, "pages"), count, files)
        config = SegmentConfig(
            output_root=root,
            name="web",
            corpus=CorpusConfig(path=f"{root}/pages"),
            workers=workers,
            tracking=TrackingConfig(mode="none"),
        )
        artifacts.begin(config)
        started = time.monotonic()
        command, each = peaks([sys.executable, "-m", "humpback_exp.execution.launch", str(config.folder)])
        rows = artifacts.load(config.folder).rows
    return {
        "pages": count,
        "segments": rows["segments"],
        "seconds": time.monotonic() - started,
        "command, MiB": command,
        "workers, MiB": ", ".join(f"{peak:.0f}" for peak in each if peak > 40),
    }


def main() -> None:
    """Print a row for each count of pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", type=int, nargs="+")
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    print(table([measured(count, given.files, given.workers) for count in given.counts], ".0f"))


if __name__ == "__main__":
    main()
