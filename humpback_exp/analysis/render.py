"""Templates -> HTML pages that load nothing: no script, no font, no image, and a policy that forbids them.

Every text on them came from the web, a model or a config, so autoescape is on, control characters are taken out, and only
http(s) addresses become links. The one thing marked safe is the SVG of `plots`, whose labels its writer has escaped.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from humpback_exp.analysis import figures, text
from humpback_exp.analysis.sentences import beyond


def environment() -> Environment:
    """Of all pages."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        finalize=text.plain,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"excerpt": text.excerpt, "href": text.href, "duration": text.duration}
    environment.filters |= {"signed": text.signed, "percent": text.percent, "number": text.number}
    environment.filters |= {"span": text.span, "amount": text.amount, "beyond": beyond}
    environment.globals["arc"] = figures.arc
    return environment
