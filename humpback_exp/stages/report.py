"""Finished folders -> one HTML page. It reads only, so it may run while a loop does."""

from pathlib import Path

from humpback_exp.analysis.page import build
from humpback_exp.artifacts import write_text
from humpback_exp.config import ReportConfig


def run(config: ReportConfig) -> None:
    """Write the page whole or not at all, and print where it lies.

    Raises:
        ValueError: nothing is finished below output_root, or output is a folder.
    """
    path = Path(config.output) if config.output else Path(config.output_root) / "report.html"
    if path.is_dir():
        raise ValueError(f"output={path}: is a folder; give the name of a file in it")
    page = build(config.output_root)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    print(f"\nreport: {path}")
