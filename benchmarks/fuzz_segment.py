"""Mutate pages and cut them: no crash, no page that takes long, nothing in a kept text that is no text.

    python benchmarks/fuzz_segment.py FOLDER --pages 10000

A mutated page is a real one with bytes changed, cut, doubled, nested or replaced by hostile pieces; equal seeds give equal
pages. Two seconds of processor time are long. The suite runs a few hundred pages and allows ten, for on a shared machine a
pause of the machine's own counts as a page's time.
"""

import argparse
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import chunks, pages
from humpback_exp.corpus.decoding import decode
from humpback_exp.corpus.markup import REMOVED, SKIPPED
from humpback_exp.corpus.plain import seen

PIECES = [
    b"<div>",
    b"</div>",
    b"<h2>",
    b"<table><tr><td>",
    b"</table>",
    b"<ul><li>",
    b"<!--",
    b"-->",
    b"<script>",
    b"</script>",
    b"<style>",
    b"<pre>",
    b"<select>",
    b"<svg><title>",
    b"<math><annotation>",
    b"<sup>1</sup>",
    b"\x00",
    b"\x1b\x9d\x07",
    b"\xff\xfe",
    b"&#8203;&shy;&#x202e;&#0;&#128;",
    b"<a href='\"><h3>",
    b'<p class="a""b\'>',
    b"<![CDATA[",
    b"<?xml version='1.0'?>",
    b"<plaintext",
    b"<noscript>",
    b"<template>",
    b"<td rowspan=65000 colspan=99999>",
    b"<ol start=-99999999999>",
    b"<h1 aria-hidden=true role=heading aria-level=x>",
    "\u202e\u0000\ufeff".encode("utf-16"),
]
MARKUP = re.compile(r"</?(?:div|span|p|td|tr|h[1-6]|script|style)\b[^<>]*>")
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b\u202a-\u202e\u2066-\u2069\ufeff]")
SLOW = 2.0


def mutated(page: bytes, draw: random.Random) -> bytes:
    """One page with a few changes."""
    data = bytearray(page)
    for _ in range(draw.randint(1, 12)):
        at, size = draw.randrange(len(data) + 1), draw.randint(1, 200)
        match draw.randrange(6):
            case 0:
                data[at : at + size] = b""
            case 1:
                data[at:at] = draw.choice(PIECES) * draw.choice((1, 1, 2, 5, 50, 3000))
            case 2:
                data[at:at] = data[max(0, at - 20 * size) : at]
            case 3 if at < len(data):
                data[at] = draw.randrange(256)
            case 4:
                data[at : at + size] = draw.randbytes(size)
            case _:
                del data[len(data) - draw.randrange(len(data) // 8 + 1) :]
    return bytes(data)


def faults(page: bytes, config: CorpusConfig, slow: float) -> Iterator[str]:
    """What is wrong with how a page is taken; more than `slow` seconds of processor time are a fault, too."""
    started = time.process_time()
    found, reasons, _ = chunks.judged(pages.Page("fuzz.html", page), config, {})
    seconds = time.process_time() - started
    if seconds > slow:
        yield f"{seconds:.1f} s"
    for section, reason in zip(found, reasons, strict=True):
        text = f"{section.header}\n{section.text}"
        if reason is None and UNSEEN.search(text):
            yield f"unseen character in {section.header!r}"
        if reason is None and (shown := MARKUP.search(text)) and shown[0] not in _text(page):
            yield f"markup in {section.header!r}: {shown[0]}"


def _text(page: bytes) -> str:
    """What is text by the standard: a page about HTML shows markup, and so may broken markup."""
    tree = LexborHTMLParser(decode(page))
    tree.strip_tags([*REMOVED, *SKIPPED])
    return seen(tree.body.text()) if tree.body is not None else ""


def sources(folder: Path) -> list[bytes]:
    """The pages to start from, none of them large."""
    files = sorted(file for file in folder.rglob("*.html") if 200 < file.stat().st_size < 60_000)
    return [file.read_bytes() for file in files[:: max(1, len(files) // 500)]]


def run(found: list[bytes], number: int, seed: int, config: CorpusConfig, slow: float = SLOW) -> list[str]:
    """Faults of `number` mutated pages, each with what is needed to make the page again."""
    wrong = []
    for n in range(number):
        draw = random.Random(f"{seed}-{n}")
        source = draw.choice(found)
        wrong += [f"seed {seed}, page {n}: {fault}" for fault in faults(mutated(source, draw), config, slow)]
    return wrong


def main() -> None:
    """Print the faults; exit with 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    wrong = run(sources(arguments.folder), arguments.pages, arguments.seed, CorpusConfig(min_chars=100))
    print("\n".join(wrong) or f"{arguments.pages} pages without a fault")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
