"""Templates -> HTML pages that load nothing: no script, no font, no image, and a policy that forbids them.

Every text on them came from the web, a model or a config, so autoescape is on, control characters are taken out, and only
http(s) addresses become links. The one thing marked safe is the SVG of `svg`, whose labels its writer has escaped.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from humpback_exp.analysis import format
from humpback_exp.artifacts.catalog import Folder


def render(template: str, **model: Any) -> str:
    """The page `template` with what it shows."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        finalize=format.plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(format, name) for name in ("excerpt", "href", "duration", "number", "listed")}
    return environment.get_template(f"{template}.html.jinja").render(**model)


def made_by(folders: Iterable[Folder]) -> dict[str, Any]:
    """When folders were made, from which code, and how long it took; of the folders, so that the page is reproducible."""
    manifests = [folder.manifest for folder in folders]
    last, commits = max(manifests, key=lambda one: one.finished_at), [one.git_commit for one in manifests]
    with_changes = " with local changes"
    return {
        "last": last.finished_at.replace("T", " ").replace("Z", " UTC"),
        "commits": list(dict.fromkeys(name[:10] + with_changes * name.endswith("+") for name in commits if name)),
        "seconds": sum(one.wall_seconds for one in manifests),
        "versions": [f"{package} {version}" for package, version in last.versions.items()],
    }
