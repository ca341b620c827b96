"""What a loop's curation keeps of each part of its pages: python docs/study/kept_by_source.py outputs/study-crawl/iterations-s*"""

import sys
from collections import Counter
from pathlib import Path

from humpback_exp.progress import table
from humpback_exp.records import ScoredCandidate, read

A_4 = 4
MANUALS = ("howto", "library", "reference", "tutorial", "using")
PARTS = {**dict.fromkeys(MANUALS, "manuals"), "web": "web texts"}
"""First folder of an address -> part of the pages; all others are changes, licences, and the like."""


def main(loops: list[Path]) -> None:
    rated, kept = Counter[str](), Counter[str]()
    for loop in loops:
        for row in read(loop / "scored" / "m0", ScoredCandidate):
            rated[part(row.url)] += 1
            kept[part(row.url)] += (row.score or 0) >= A_4
    shares = {name: kept[name] / rated[name] for name in rated}
    print(table([{"part": name, "rated": rated[name], "kept": kept[name], "share": shares[name]} for name in rated]))


def part(url: str) -> str:
    return PARTS.get(url.partition("/")[0], "changes and licences")


if __name__ == "__main__":
    main([Path(loop) for loop in sys.argv[1:]])
