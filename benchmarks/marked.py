"""Precision and recall on the marked pages, beside what two extractors of main text give when cut at its headings.

    python benchmarks/marked.py FOLDER

FOLDER holds the unpacked documentation packages, a folder each, as `apt-get download NAME && dpkg-deb -x NAME*.deb
FOLDER/NAME` leaves them. A segment counts as right when its header, first and last six words are those of a marked one.
trafilatura is measured where it is installed; it is no dependency of ours.
"""

import argparse
import hashlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from resiliparse.extract.html2text import extract_plain_text

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import chunks, pages, sites
from humpback_exp.progress import table

MARKED = Path(__file__).parents[1] / "tests" / "corpus" / "marked"
WORD = re.compile(r"\S+")
HEADING = re.compile(r"^#{1,6} +(.*)$", re.M)
LENGTHS = range(600, 3001)
Found = tuple[str, str]
"""Header and text."""


def ours(root: Path) -> Callable[[str, bytes], list[Found]]:
    """Segments that pass the filters, with the lines of the site left out."""
    config = CorpusConfig(path=str(root))
    units = pages.units(config.path, 4096)
    sites.add_neighbours(units)
    lines = {site: found for unit in units for site, found in sites.repeated(unit, config.max_page_mb).items()}

    def cut(name: str, html: bytes) -> list[Found]:
        found, reasons, _ = chunks.judged(pages.Page(name, html), config, lines)
        return [(part.header, part.text) for part, reason in zip(found, reasons, strict=True) if not reason]

    return cut


def trafilatura_text(name: str, html: bytes) -> list[Found]:
    """trafilatura's main text as Markdown, cut at its headings."""
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    text = trafilatura.extract(html, output_format="markdown", include_comments=False) or ""
    return _cut(text)


def resiliparse_text(name: str, html: bytes) -> list[Found]:
    """resiliparse's main text, cut where a line is one of the page's headings."""
    source = html.decode("utf-8", "replace")
    text = extract_plain_text(source, main_content=True, preserve_formatting=True)
    headings = {
        " ".join(re.sub("<[^>]*>|&nbsp;", " ", found).split())
        for found in re.findall(r"<h[1-6][^>]*>(.*?)</h[1-6]>", source, re.S | re.I)
    }
    lines = (f"# {line.strip()}" if " ".join(line.split()) in headings - {""} else line for line in text.splitlines())
    return _cut("\n".join(lines))


def _cut(text: str) -> list[Found]:
    parts = HEADING.split(text)
    return [
        (parts[at].strip(), parts[at + 1].strip()) for at in range(1, len(parts), 2) if len(parts[at + 1]) in LENGTHS
    ]


def marked(folder: Path) -> Iterator[tuple[str, str, bytes, list[list[Any]]]]:
    """Set, page, bytes and right segments of every marked page that is here unchanged."""
    for file in sorted(MARKED.glob("*.json")):
        for page in json.loads(file.read_text()):
            path = folder / file.stem / page["page"]
            html = path.read_bytes() if path.exists() else b""
            if hashlib.sha256(html).hexdigest() == page["sha256"]:
                yield file.stem, page["page"], html, page["segments"]
            else:
                print(f"{path}: not here, or another version; left out")


def key(header: str, text: str) -> tuple[str, str, str]:
    """What two segments agree in when they are the same."""
    words = WORD.findall(text)
    return " ".join(header.split()), " ".join(words[:6]), " ".join(words[-6:])


def measure(cut: Callable[[str, str, bytes], list[Found]], found: list[Any]) -> dict[str, Any]:
    """Precision and recall of segments and of their characters."""
    kept = right = chars = right_chars = wanted = wanted_chars = 0
    for name, page, html, segments in found:
        truth = {(header, first, last): size for header, _, size, first, last in segments}
        wanted += len(truth)
        wanted_chars += sum(truth.values())
        for header, text in cut(name, page, html):
            kept += 1
            chars += len(text)
            if key(header, text) in truth:
                right += 1
                right_chars += len(text)
    return {
        "kept": kept,
        "precision": f"{right / max(1, kept):.1%}",
        "recall": f"{right / wanted:.1%}",
        "characters: precision": f"{right_chars / max(1, chars):.1%}",
        "characters: recall": f"{right_chars / wanted_chars:.1%}",
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    found = list(marked(arguments.folder))
    cutters = {name: ours(arguments.folder / name) for name in {name for name, *_ in found}}
    contestants: dict[str, Callable[[str, str, bytes], list[Found]]] = {
        "ours": lambda name, page, html: cutters[name](page, html),
        "resiliparse": lambda name, page, html: resiliparse_text(page, html),
    }
    try:
        import trafilatura  # noqa: F401

        contestants["trafilatura"] = lambda name, page, html: trafilatura_text(page, html)
    except ImportError:
        print("trafilatura is not installed; left out")
    rows = [{"": name} | measure(cut, found) for name, cut in contestants.items()]
    print(f"{len(found)} pages, {sum(len(page[3]) for page in found)} right segments\n{table(rows)}")


if __name__ == "__main__":
    main()
