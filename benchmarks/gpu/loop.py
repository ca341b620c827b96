"""The demo's loop on the GPU: the real 135M model, real pages, from pages to M2 with `trainer=gpu engine=gpu`.

Each model must find the held-out answers likelier than the base model does.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.gpu.rows import Row, Setup, at_most, missing

MODEL, PAGES = Path("models/smollm2-135m"), Path("pages")
MODELS = ("base", "m0", "m1", "m2")


def rows(setup: Setup) -> Iterator[Row]:
    if not setup.tiny and not (MODEL.is_dir() and PAGES.is_dir()):
        lacking = ", ".join(str(path) for path in (MODEL, PAGES) if not path.is_dir())
        yield missing(
            "loop", "pages to M2, minutes", f"{lacking} missing; the bundle's model and pages hold them", False
        )
        return
    root = setup.folder / "loop"
    subprocess.run(["rm", "-rf", str(root)], check=True)
    real = ["iterations=2", "tracking=none", "trainer=gpu", "engine=gpu"]
    settings = ["experiment=smoke", "iterations=1"] if setup.tiny else real
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "pipeline.py", f"output_root={root}", *settings], capture_output=True, text=True
    )
    minutes = (time.perf_counter() - started) / 60
    print(done.stderr, file=sys.stderr)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [""]
        yield Row("loop", "pages to M2", f"status {done.returncode}", "status 0", passed=False, note=lines[-1][:300])
        return
    yield Row("loop", "pages to M2 and its table, minutes", minutes)
    for name in MODELS[:-1] if setup.tiny else MODELS:
        metrics = json.loads((root / "evals" / name / "manifest.json").read_text(encoding="utf-8"))["metrics"]
        yield Row("loop", f"{name}: held-out loss, nats a token", metrics["heldout_loss"])
        if name != "base" and not setup.tiny:
            yield at_most("loop", f"{name}: change of held-out loss to base", metrics["heldout_change"], 0.0)
