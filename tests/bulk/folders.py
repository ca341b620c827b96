"""A folder of generated segments, and the augmentation of it by the echo engine."""

import os
import sys
from itertools import islice
from pathlib import Path
from typing import Any

from humpback_exp import artifacts
from humpback_exp.config import AugmentConfig, CorpusConfig, ExecutorConfig, SegmentConfig, TrackingConfig
from humpback_exp.records import Segment, write
from tests.conftest import ROOT

ECHO = {"PYTHONPATH": os.pathsep.join([str(ROOT / "tests/bulk/echo"), str(ROOT)])}
"""Environment of a process whose engine needs no model."""


def made_segments(root: Path, rows: int, text: str = "Bread needs flour, water, salt and time. " * 8) -> Path:
    """A finished folder of so many segments."""
    (root / "page.html").write_text("<h1>Bread</h1>")
    config = SegmentConfig(output_root=str(root), name="web", corpus=CorpusConfig(path=str(root / "page.html")))
    artifact = artifacts.begin(config)
    made = (
        Segment(id=f"{n:016x}", url=f"{n}.html", offset=0, heading_path=[f"Loaf {n}"], text=f"Loaf {n}. {text}")
        for n in range(rows)
    )
    for number in range(-(-rows // 10_000)):
        write(artifact.folder / "data" / f"{number:05d}.parquet", Segment, islice(made, 10_000))
    artifacts.finish(artifact, started=0.0, rows={"segments": rows})
    return artifact.folder


def augmentation(
    root: Path, name: str, chunk_size: int = 4, limit: int | None = None, kind: str = "local", **executor: Any
) -> AugmentConfig:
    return AugmentConfig(
        output_root=str(root),
        name=name,
        segments=str(root / "segments/web"),
        model_path="echo",
        limit=limit,
        chunk_size=chunk_size,
        executor=ExecutorConfig(name=kind, **executor),
        tracking=TrackingConfig(mode="none"),
    )


def command(config: AugmentConfig) -> list[str]:
    """What runs the stage in a process of its own."""
    artifacts.begin(config)
    return [sys.executable, "-m", "humpback_exp.execution.launch", str(config.folder)]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: artifacts.sha256(path) for path in sorted((folder / "data").iterdir())}
