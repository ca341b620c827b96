"""How near pages -> filtered segments comes to the bare parse of the same pages, on one core, beside others.

    python benchmarks/segment.py /usr/share/doc/sqlite3 --rounds 5

Every round runs all contestants in turn on the same pages in memory, so a busy machine slows them alike; ratios are taken
within a round, of processor time. trafilatura with lxml, and datatrove's pipeline of WARC reader and trafilatura,
run where trafilatura, and for datatrove warcio, python-magic and faust-cchardet, are installed; they are no dependencies
of ours.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from resiliparse.extract.html2text import extract_plain_text
from resiliparse.parse.html import HTMLTree
from selectolax.lexbor import LexborHTMLParser

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import chunks, fingerprints, pages
from humpback_exp.corpus.decoding import NotAPage
from humpback_exp.corpus.segments import sections
from humpback_exp.progress import table

Pages = list[pages.Page]
Contestant = Callable[[pages.Page, CorpusConfig], None]
BARE = "bare parse, selectolax"


def parse(page: pages.Page, config: CorpusConfig) -> None:
    """What nobody who parses with Lexbor can go below."""
    LexborHTMLParser(page.html)


def parse_resiliparse(page: pages.Page, config: CorpusConfig) -> None:
    """The same parser in another binding."""
    HTMLTree.parse(page.html.decode("utf-8", "replace"))


def parse_lxml(page: pages.Page, config: CorpusConfig) -> None:
    """libxml2's tree."""
    import lxml.html

    lxml.html.fromstring(page.html)


def extract_resiliparse(page: pages.Page, config: CorpusConfig) -> None:
    """Main text, headings flattened."""
    extract_plain_text(page.html.decode("utf-8", "replace"), main_content=True)


def extract_trafilatura(page: pages.Page, config: CorpusConfig) -> None:
    """Main text, headings flattened."""
    import trafilatura

    trafilatura.extract(page.html)


def cut(page: pages.Page, config: CorpusConfig) -> None:
    """Sections with their texts."""
    list(sections(page.url, page.html, page.charset))


def cut_and_filter(page: pages.Page, config: CorpusConfig) -> None:
    """Sections and the reason of each that is dropped."""
    chunks.judged(page, config, {})


def whole(page: pages.Page, config: CorpusConfig) -> None:
    """What a worker does for a page: sections, filters, the hash and the MinHash of what is kept."""
    found, reasons, _ = chunks.judged(page, config, {})
    for section, reason in zip(found, reasons, strict=True):
        if reason is None:
            fingerprints.signature(section.text)
            fingerprints.digest(section.text)


CONTESTANTS: dict[str, Contestant] = {
    BARE: parse,
    "bare parse, resiliparse": parse_resiliparse,
    "sections": cut,
    "sections, filters": cut_and_filter,
    "whole worker": whole,
    "resiliparse's main text": extract_resiliparse,
}
if find_spec("trafilatura"):
    CONTESTANTS["bare parse, lxml"] = parse_lxml
    CONTESTANTS["trafilatura's main text"] = extract_trafilatura


def seconds(work: Contestant, found: Pages, config: CorpusConfig) -> float:
    """Processor time for all pages once."""
    started = time.process_time()
    for page in found:
        try:
            work(page, config)
        except (NotAPage, SyntaxError, ValueError):
            continue
    return time.process_time() - started


def datatrove_seconds(found: Pages) -> float:
    """Time by the clock of datatrove's WARC reader and trafilatura over the same pages."""
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.readers import WarcReader

    with tempfile.TemporaryDirectory() as folder:
        with Path(folder, "pages.warc").open("wb") as file:
            for page in found:
                content = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page.html
                head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a/{page.url}\r\n"
                head += "WARC-Date: 2024-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:0>\r\n"
                head += f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(content)}\r\n\r\n"
                file.write(head.encode() + content + b"\r\n\r\n")
        # Its extractor is a process of its own, whose processor time is not ours to read.
        started = time.perf_counter()
        for _ in Trafilatura(timeout=30).run(WarcReader(folder).run()):
            pass
        return time.perf_counter() - started


def main() -> None:
    """Print MB/s, pages/s and the share of the bare parse with its spread over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pages", type=int, default=1000)
    arguments = parser.parse_args()
    units = pages.units(str(arguments.corpus), 256)
    found = [page for unit in units for page in pages.read(unit) if not page.reason]
    found = found[:: max(1, len(found) // arguments.pages)]
    megabytes, config = sum(len(page.html) for page in found) / 1e6, CorpusConfig(path=str(arguments.corpus))
    rounds = [
        {name: seconds(work, found, config) for name, work in CONTESTANTS.items()} for _ in range(arguments.rounds)
    ]
    if find_spec("trafilatura") and find_spec("warcio"):
        for times in rounds:
            times["datatrove: WARC, trafilatura (by the clock)"] = datatrove_seconds(found)
    rows = []
    for name in rounds[0]:
        shares = [100 * times[BARE] / times[name] for times in rounds]
        typical = statistics.median(times[name] for times in rounds)
        spread = f"{statistics.median(shares):.1f} ({min(shares):.1f} to {max(shares):.1f})"
        rows.append({"": name, "MB/s": megabytes / typical, "pages/s": len(found) / typical, "% of bare": spread})
    print(f"{len(found)} pages, {megabytes:.1f} MB, {arguments.rounds} rounds\n{table(rows)}")


if __name__ == "__main__":
    main()
