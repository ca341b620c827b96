"""Finished folders -> HTML pages, or one table of all runs. It reads only, so it may run while a loop does."""

import re
from pathlib import Path

from humpback_exp.artifacts import write_text
from humpback_exp.config import ReportConfig
from humpback_exp.workflow.selectors import selectors
from humpback_exp.workflow.win_rates import leaderboard, win_rates


def run(config: ReportConfig) -> None:
    """Write the page whole or not at all, what belongs to it into a folder beside it, and print where it lies.

    Raises:
        ValueError: nothing is finished that the page or table could be about, or its path is a folder.
    """
    if config.leaderboard:
        return leaderboard(config.output_root, Path(config.leaderboard))
    if config.labelled:
        drawing = Path(config.output or Path(config.output_root) / "reports" / "selectors.svg")
        return selectors(config.output_root, Path(config.labelled), config.good, drawing)
    if config.annotations:
        return win_rates([Path(path) for path in config.annotations], config.length_control)
    path = Path(config.table) if config.table else _path(config)
    if path.is_dir():
        raise ValueError(f"{'table' if config.table else 'output'}={path}: is a folder; give the name of a file in it")
    if config.table:
        return _table(config.output_root, path)
    beside = path.with_name(f"{path.stem}_files")
    page, files = _built(config, beside.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        beside.mkdir(exist_ok=True)
        (beside / name).write_bytes(content)
    write_text(path, page)
    print(f"\nreport: {path}")


def _table(output_root: str, path: Path) -> None:
    """Write a row for every finished folder, loops below `output_root` included, and print how many there are."""
    from humpback_exp.analysis import runs_table
    from humpback_exp.analysis.folders import read_catalog

    catalog = read_catalog(output_root, loops=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    runs_table.write(runs_table.table(catalog), path)
    left_out = f"{len(catalog.unfinished)} unfinished, {len(catalog.damaged)} damaged"
    print(f"\ntable: {path}, {len(catalog.folders)} runs; left out: {left_out}")


def _path(config: ReportConfig) -> Path:
    if config.output:
        return Path(config.output)
    if not (config.sweep or config.runs or config.page):
        return Path(config.output_root) / "report.html"
    name = re.sub(r"[^\w.-]", "_", config.sweep or config.page or "_vs_".join(Path(run).name for run in config.runs))
    return Path(config.output_root) / "reports" / f"{name[-100:]}.html"


def _built(config: ReportConfig, folder: str) -> tuple[str, dict[str, bytes]]:
    """The page, and what lies in the folder beside it."""
    from humpback_exp.analysis.pages import compare, loop, page_and_segments, sweep

    if config.page:
        return page_and_segments.build(config.page), {}
    if config.sweep:
        return sweep.build(config.output_root, config.sweep, folder)
    if config.runs:
        return compare.build(config.output_root, config.runs), {}
    return loop.build(config.output_root), {}
