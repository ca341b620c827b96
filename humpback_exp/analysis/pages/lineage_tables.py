"""The tables of what was made from what: folders with their sources, what was read from elsewhere, settings that differ."""

from humpback_exp.analysis.format import duration, excerpt
from humpback_exp.analysis.lineage import Node, differences, nodes, outside
from humpback_exp.analysis.pages.table import Row, Table, table
from humpback_exp.artifacts.catalog import Catalog

COLUMNS = 10
"""Differing settings shown for a kind of folders; more do not fit a page."""


def made_from(catalog: Catalog) -> Table:
    return table([_made(node) for node in nodes(catalog)])


def _made(node: Node) -> Row:
    made = node.folder.manifest
    return {
        "": node.folder.label,
        "made from": ", ".join(node.sources),
        "rows": ", ".join(f"{count:,} {name}" for name, count in made.rows.items() if count),
        "time": duration(made.wall_seconds),
        "fingerprint": made.fingerprint[:8],
    }


def read_elsewhere(catalog: Catalog) -> Table:
    read = outside(catalog)
    return table([{"": one.key, "path": one.path, "fingerprint": one.fingerprint[:8]} for one in read])


def settings_that_differ(catalog: Catalog) -> list[tuple[str, Table]]:
    """Each kind of folders, with how many differing settings are not shown, and a table of those that are."""
    found = []
    for kind, keys in differences(catalog).items():
        shown = list(keys.items())[:COLUMNS]
        rows = [
            {"": folder.name} | {key: excerpt(values[place], 60) for key, values in shown}
            for place, folder in enumerate(catalog.of(kind))
        ]
        more = f"; {len(keys) - COLUMNS} more differing settings are in the manifests" if len(keys) > COLUMNS else ""
        found.append((f"{kind}{more}", table(rows)))
    return found
