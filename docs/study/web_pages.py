"""Turn web text that has lost its markup into pages: python docs/study/web_pages.py TEXTS.jsonl FOLDER

Corpora such as C4 are JSON lines with a `text`. A page has the text's first line as its header and the other lines as paragraphs,
up to the length that the study takes.
"""

import sys
from html import escape
from pathlib import Path

from humpback_exp.data.tables import read_rows

MAX_CHARS = 1450
"""Below `corpus.max_chars` of the study's loop."""


def main(texts: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, (_, row) in enumerate(read_rows(texts, "TEXTS")):
        (folder / f"{number:05d}.html").write_text(page(row["text"]), encoding="utf-8")


def page(text: str) -> str:
    header, *paragraphs = [line for line in text.splitlines() if line.strip()] or [""]
    kept, left = [], MAX_CHARS
    for paragraph in paragraphs:
        left -= len(paragraph) + 2
        if left < 0:
            break
        kept.append(f"<p>{escape(paragraph)}</p>")
    return f"<!doctype html><meta charset=utf-8><body><h1>{escape(header)}</h1>{''.join(kept)}</body>"


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
