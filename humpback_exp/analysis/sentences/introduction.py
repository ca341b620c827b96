"""The first two sentences of the loop's page: what was run."""

from collections.abc import Iterable
from pathlib import Path

from humpback_exp.analysis.format import listed
from humpback_exp.analysis.planned_comparisons import ROUND
from humpback_exp.artifacts.catalog import Catalog, Folder


def introduction(catalog: Catalog) -> list[str]:
    """What was run, in two sentences; parts that are not finished are left out."""
    models, corpora = catalog.of("models"), catalog.of("segments")
    bases = _all(Path(one.path_of("model.path") or "").name for one in models)
    seeds = _all(f"{one.rows('seed'):,} human seed pairs" for one in models if one.rows("seed"))
    paths = {one.label: Path(one.path_of("corpus.path") or "").parts[-2:] for one in corpora}
    pages = _all(f"{one.rows('pages'):,} pages ({'/'.join(paths[one.label])})" for one in corpora)
    start = " and ".join(filter(None, (seeds, pages))) or "nothing finished yet"
    steps = _instructions(catalog)
    scorers = _all(str(one.manifest.config.get("scorer")) for one in catalog.of("scored"))
    steps += [f"pairs were rated by the {scorers} scorer"] if scorers else []
    rounds = [one.name.upper() for one in models if ROUND.fullmatch(one.name) and one.rows("web")]
    times = "1 round" if len(rounds) == 1 else f"{len(rounds)} rounds"
    steps += [f"{times} of self-curation gave {' and '.join(rounds)}"] if rounds else []
    first = f"From {start}" + (f", with {bases} as the base model." if bases else ".")
    second = "; ".join(steps)
    return [first, f"{second[:1].upper()}{second[1:]}."] if steps else [first]


def _instructions(catalog: Catalog) -> list[str]:
    """Of each corpus once: another backward model's instructions for the same segments are no more pairs."""
    first: dict[str | None, Folder] = {}
    for one in catalog.of("candidates"):
        first.setdefault(one.fingerprint_of("segments"), one)
    count, others = sum(one.rows("candidates") for one in first.values()), len(catalog.of("candidates")) - len(first)
    again = f", {'another' if others == 1 else f'{others} others'} as well for the same segments" if others else ""
    return [f"A backward model wrote {count:,} usable instructions{again}"] if count else []


def _all(names: Iterable[str], most: int = 3) -> str:
    """Different names in their order, joined; of many, the first and how many more."""
    different = list(dict.fromkeys(name for name in names if name))
    return listed(different, most) if len(different) > most else " or ".join(different)
