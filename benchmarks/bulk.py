"""What the bulk step costs by itself: peak memory and time of augmentation by an engine that needs no model.

    python benchmarks/bulk.py 1000 100000 1000000

Every count of rows is one process over a folder of generated segments of about 1 300 characters; a draw of a tenth follows.
CPU s is of that process: start, reading, prompts, commits, closing counts and checksums. The last lines take a chunk apart:
writing its rows, as any run must, and what makes it safe with many workers: the claim, its figures, looking what is missing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk.chunks import Chunks
from humpback_exp.bulk.leases import Leases
from humpback_exp.bulk.meter import Throughput
from humpback_exp.config import AugmentConfig, CorpusConfig, SegmentConfig, TrackingConfig, settle
from humpback_exp.progress import table
from humpback_exp.records import Segment, write

CHUNK, FILE = 1024, 50_000
RUN = """
import json, resource, sys, time
from humpback_exp.execution import launch
from humpback_exp.completions import Completion
from humpback_exp.stages import augment

class Echo:
    def generate(self, conversations, sampling, seeds, advance):
        advance(len(conversations), 10 * len(conversations))
        return [Completion(f"Explain what number {seed} stands for and why.", 10, "stop") for seed in seeds]

augment.load_engine = lambda *_: Echo()
launch.main()
used = resource.getrusage(resource.RUSAGE_SELF)  # its peak of memory would count the parent's before exec
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps([int(peak.split()[1]), used.ru_utime + used.ru_stime]))
"""


def segments(rows: int) -> Iterator[Segment]:
    """Texts that a compressor cannot fold into one."""
    for n in range(rows):
        text = " ".join(str(n * n + k * 7919) for k in range(120))
        yield Segment(id=f"{n:016x}", url=f"{n}.html", offset=0, heading_path=[f"Page {n}"], text=text)


def make(root: Path, rows: int) -> None:
    """A finished folder of segments."""
    (root / "page.html").write_text("<h1>Page</h1>")
    corpus = CorpusConfig(path=str(root / "page.html"))
    artifact = artifacts.begin(SegmentConfig(output_root=str(root), name="web", corpus=corpus))
    made = segments(rows)
    for number in range(-(-rows // FILE)):
        write(artifact.folder / "data" / f"{number:05d}.parquet", Segment, islice(made, FILE))
    artifacts.finish(artifact, started=0.0, rows={"segments": rows})


def measured(root: Path, rows: int, limit: int | None) -> dict[str, object]:
    """One augmentation in a process of its own."""
    config = settle(
        AugmentConfig(
            output_root=str(root),
            name="all" if limit is None else "drawn",
            segments=str(root / "segments/web"),
            model_path="echo",
            limit=limit,
            chunk_size=CHUNK,
            tracking=TrackingConfig(mode="none"),
        )
    )
    artifacts.begin(config)
    command = [sys.executable, "-c", RUN, str(config.folder)]
    result = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    peak, seconds = json.loads(result.stdout.splitlines()[-1])
    done = limit or rows
    chunks = -(-done // CHUNK)
    return {
        "rows": rows,
        "drawn": done,
        "peak MiB": peak >> 10,
        "CPU s": seconds,
        "ms a chunk": 1000 * seconds / chunks,
    }


def parts(folder: Path, chunks: int) -> list[dict[str, object]]:
    """Milliseconds a chunk, on the clock and of CPU, of each thing that is done for it apart from its rows."""
    rows = list(segments(CHUNK))
    held, leases = Chunks(folder, CHUNK * chunks, CHUNK), Leases(folder / CHECKPOINTS, 60.0)
    times: dict[str, list[float]] = {"rows written": [0.0, 0.0], "claim, figures, look": [0.0, 0.0]}

    def timed(name: str, work: Callable[[], object]) -> None:
        clock, cpu = time.perf_counter(), time.process_time()
        work()
        times[name][0] += time.perf_counter() - clock
        times[name][1] += time.process_time() - cpu

    def around(number: int) -> None:
        leases.free(held.missing())
        with leases.take(number, 0):
            held.tell(number, Throughput(CHUNK, CHUNK, CHUNK, 1.0))

    for number in range(chunks):
        timed("claim, figures, look", lambda number=number: around(number))
        timed("rows written", lambda number=number: write(held.path(number), Segment, rows))
    return [
        {"part": name, "ms": 1000 * clock / chunks, "CPU ms": 1000 * cpu / chunks}
        for name, (clock, cpu) in times.items()
    ]


def main() -> None:
    """Print a line for each count of rows, and one for a draw of a tenth of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="+")
    found = []
    for rows in parser.parse_args().rows:
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder), rows)
            found += [measured(Path(folder), rows, limit) for limit in (None, rows // 10)]
    print(table(found, ".1f"))
    with tempfile.TemporaryDirectory() as folder:
        print(table(parts(Path(folder), 100), ".2f"))


if __name__ == "__main__":
    main()
