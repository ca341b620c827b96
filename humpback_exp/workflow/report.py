"""Finished folders -> HTML pages. It reads only, so it may run while a loop does."""

import re
from pathlib import Path

from humpback_exp.artifacts import write_text
from humpback_exp.config import ReportConfig


def run(config: ReportConfig) -> None:
    """Write the page whole or not at all, what belongs to it into a folder beside it, and print where it lies.

    Raises:
        ValueError: nothing is finished that the page could be about, or output is a folder.
    """
    path = _path(config)
    if path.is_dir():
        raise ValueError(f"output={path}: is a folder; give the name of a file in it")
    beside = path.with_name(f"{path.stem}_files")
    page, files = _built(config, beside.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        beside.mkdir(exist_ok=True)
        (beside / name).write_bytes(content)
    write_text(path, page)
    print(f"\nreport: {path}")


def _path(config: ReportConfig) -> Path:
    if config.output:
        return Path(config.output)
    if not config.sweep and not config.runs:
        return Path(config.output_root) / "report.html"
    name = re.sub(r"[^\w.-]", "_", config.sweep or "_vs_".join(Path(run).name for run in config.runs))
    return Path(config.output_root) / "reports" / f"{name}.html"


def _built(config: ReportConfig, folder: str) -> tuple[str, dict[str, bytes]]:
    """The page, and what lies in the folder beside it."""
    from humpback_exp.analysis.pages import compare, loop, sweep

    if config.sweep:
        return sweep.build(config.output_root, config.sweep, folder)
    if config.runs:
        return compare.build(config.output_root, config.runs), {}
    return loop.build(config.output_root), {}
