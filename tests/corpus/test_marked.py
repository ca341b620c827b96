"""The marked pages: what a reader found right in pages of documentation packages, where these are unpacked."""

import json
import os
from pathlib import Path

import pytest

MARKED = Path(__file__).parent / "marked"
PACKAGES = Path(os.environ.get("HUMPBACK_PACKAGES", "/nowhere"))


def test_the_set_is_as_large_as_it_is_said_to_be():
    sets = [json.loads(file.read_text()) for file in sorted(MARKED.glob("*.json"))]
    assert len(sets) == 18
    assert sum(map(len, sets)) == 88
    assert sum(len(page["segments"]) for pages in sets for page in pages) == 108


@pytest.mark.skipif(
    not PACKAGES.exists(), reason="HUMPBACK_PACKAGES names no folder of unpacked documentation packages"
)
def test_nearly_all_right_segments_are_found_and_nearly_all_found_are_right():
    from benchmarks.marked import marked, measure, ours

    found = list(marked(PACKAGES))
    cutters = {name: ours(PACKAGES / name) for name in {name for name, *_ in found}}
    figures = measure(lambda name, page, html: cutters[name](page, html), found)
    assert float(figures["precision"].rstrip("%")) >= 90
    assert float(figures["recall"].rstrip("%")) >= 95
