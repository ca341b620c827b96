"""How numbers are written, and what is done to texts of the web and of models before a reader sees them."""

import json
import re
from urllib.parse import urlsplit

from markupsafe import Markup

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
DASH = "\N{EN DASH}"
"""Stands for what was not measured or is not there."""


def plain(value: object) -> object:
    """Text without control, direction and zero-width characters: nothing that hides or reorders what is read.

    What a macro of ours returns is Markup already, made of parts that have been through here.
    """
    if isinstance(value, Markup):
        return value
    return _CONTROL.sub("", value.replace("\r\n", "\n")) if isinstance(value, str) else value


def excerpt(text: str, chars: int) -> str:
    """The beginning, cut at a word."""
    text = text.strip()
    return text if len(text) <= chars else text[:chars].rsplit(None, 1)[0] + " \u2026"


def href(url: str) -> str:
    """The address when it is a plain http(s) one, else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    sound = parts.scheme in ("http", "https") and parts.netloc and not re.search(r"[\s\\\"'<>`]", url)
    return url if sound and plain(url) == url else ""


def setting(value: object) -> str:
    """A value of a config as a reader knows it."""
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def duration(seconds: float) -> str:
    """`12.3 s`, `4.5 min`, `6.7 h`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, hours = round(seconds / 60), seconds / 3600
    return f"{seconds / 60:.1f} min" if minutes < 60 else f"{hours:.1f} h"


def number(value: float, form: str) -> str:
    """A formatted number with a true minus sign; what rounds to nothing has no sign."""
    text = format(value, form)
    return (text if any(digit in text for digit in "123456789") else text.lstrip("+-")).replace("-", "\N{MINUS SIGN}")


def amount(value: float) -> str:
    """`25,600`, `6.7`, `1e-05`."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def span(ends: tuple[float, float], form: str) -> str:
    """`1.2 to 3.4`."""
    return " to ".join(number(end, form) for end in ends)


def listed(names: list[str], most: int) -> str:
    """Names joined by commas; of many, the first and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
