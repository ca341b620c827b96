"""What the paper does not have: blocked addresses, masked addresses, evaluation prompts, quality, caps and draws."""

import json
from pathlib import Path
from typing import Any

import pytest

from humpback_exp import artifacts
from humpback_exp.config import CorpusConfig, identity
from humpback_exp.corpus.draw import enough
from humpback_exp.corpus.optional_filters import OptionalFilters
from humpback_exp.corpus.pages import Unit
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.execution.launch import launch
from humpback_exp.records import DroppedSegment, Segment, read
from tests.corpus.test_inputs import config
from tests.stages.test_segment import corpus, digests, prose


def written(folder: Path, name: str, pages: dict[str, str]) -> Path:
    """JSON lines of pages by their addresses."""
    folder.mkdir(exist_ok=True)
    rows = [{"url": url, "html": f"<h1>Page</h1><p>{text}</p>"} for url, text in pages.items()]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def kept(folder: Path) -> list[str]:
    return [row.url for row in read(folder, Segment)]


def drops(folder: Path) -> dict[str, int]:
    return artifacts.load(folder).drops


def hosts(tmp_path: Path) -> Path:
    """Twelve pages of three hosts."""
    return written(tmp_path / "pages", "a.jsonl", {f"https://{'abc'[n % 3]}.org/{n}": prose(n) for n in range(12)})


def test_unused_options_are_no_part_of_a_run() -> None:
    assert identity(CorpusConfig(path="x", seed=7)) == identity(CorpusConfig(path="x"))
    assert "seed" in identity(CorpusConfig(path="x", pages=7))


@pytest.mark.parametrize(
    ("url", "blocked"),
    [
        ("https://bad.com/a", True),
        ("http://www.BAD.com:80/", True),
        ("https://notbad.com/", False),
        ("https://ok.org/spam/1/", True),
        ("https://ok.org/spam/12", False),
        ("https://exact.net/?x=1", True),
        ("https://exact.net/?x=2", False),
        ("bad.com/file.html", False),
        ("http://[broken", False),
    ],
)
def test_a_blocked_address(tmp_path: Path, url: str, blocked: bool) -> None:
    (tmp_path / "list").write_text("# none\nbad.com\n\nok.org/spam/1\nhttps://exact.net/?x=1\n")
    filters = OptionalFilters(CorpusConfig(path="x", blocked_urls=str(tmp_path / "list")))
    assert filters.blocks(url) is blocked


def test_blocked_pages_are_counted(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("b.org\n")
    folder = launch(config(tmp_path, str(hosts(tmp_path)), blocked_urls=str(tmp_path / "list")))
    assert drops(folder) == {"page: blocked url": 4}
    assert len(kept(folder)) == 8
    with pytest.raises(ValueError, match="^corpus.blocked_urls=.*gone: cannot be read"):
        launch(config(tmp_path, str(hosts(tmp_path)), "gone", blocked_urls=str(tmp_path / "gone")))


def test_addresses_of_people_and_machines_are_masked(tmp_path: Path) -> None:
    personal = f"Ask jo.doe+x@mail.example.co.uk or 8.8.8.8, not 192.168.0.1. {prose(0)}"
    pages = written(tmp_path / "pages", "a.jsonl", {"http://a/0": personal, "http://a/1": prose(1)})
    folder = launch(config(tmp_path, str(pages), mask_pii=True))
    rows = list(read(folder, Segment))
    assert rows[0].text == f"Ask email@example.com or 192.0.2.1, not 192.168.0.1. {prose(0)}"
    assert rows[1].text == prose(1)
    assert artifacts.load(folder).metrics["segments_masked"] == 1


def test_segments_that_hold_an_evaluation_prompt(tmp_path: Path) -> None:
    long = " ".join(f"word{n}" for n in range(20))
    asked = "What is the best way to bake bread?"
    pages = {
        "http://a/0": f"{prose(0)} {' '.join(f'Word{n}' for n in range(3, 16))}.",
        "http://a/1": f"{prose(1)} What, is the best way to bake bread",
        "http://a/2": f"{prose(2)} {' '.join(f'word{n}' for n in range(12))} Why is it so?",
        "http://a/3": f"{prose(3)} What is the best way to bake a cake?",
    }
    prompts = [{"instruction": text, "output": "x"} for text in (long, asked, "Why is it so?")]
    (tmp_path / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in prompts))
    folder = launch(
        config(
            tmp_path,
            str(written(tmp_path / "pages", "a.jsonl", pages)),
            decontaminate=[str(tmp_path / "prompts.jsonl")],
        )
    )
    assert kept(folder) == ["http://a/2", "http://a/3"]
    assert drops(folder) == {"overlaps an evaluation prompt": 2}


def test_segments_unlike_the_seed(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    advice = (
        "First you should measure the flour, then you should knead the dough, because it helps you bake bread well. "
    )
    pages = {f"http://{n}/": prose(n) if n not in (3, 9) else f"{advice * 4}{prose(n)[:300]}" for n in range(12)}
    pairs = [{"instruction": f"Ask {n}", "output": f"{advice * 3} Note {n}."} for n in range(25)]
    (tmp_path / "seed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    path = str(written(tmp_path / "pages", "a.jsonl", pages))
    quality = {"min_quality": 0.5, "quality_seed": str(tmp_path / "seed.jsonl"), "sentence_jaccard": 1.0}
    folder = launch(config(tmp_path, path, near_duplicate=1.0, **quality))
    assert kept(folder) == ["http://3/", "http://9/"]
    assert drops(folder) == {"unlike the seed": 10}
    (tmp_path / "seed.jsonl").write_text(json.dumps(pairs[0]))
    with pytest.raises(ValueError, match="^corpus.quality_seed=1: has outputs; give 20 or more$"):
        launch(config(tmp_path, path, "few", **quality))
    with pytest.raises(ValueError, match="^corpus.min_quality=None: goes with corpus.quality_seed=x; set both"):
        CorpusConfig(path="x", quality_seed="x")


def test_a_cap_of_segments_a_host(tmp_path: Path) -> None:
    folder = launch(config(tmp_path, str(hosts(tmp_path)), per_host=2))
    assert kept(folder) == [f"https://{'abc'[n % 3]}.org/{n}" for n in range(6)]
    assert drops(folder) == {"over the cap of its host": 6}
    files = launch(config(tmp_path, str(corpus(tmp_path / "files", 6)), "files", per_host=2))
    assert len(kept(files)) == 6


def test_segments_are_drawn_by_the_order_of_their_ids(tmp_path: Path) -> None:
    path = str(hosts(tmp_path))
    ids = [row.id for row in read(launch(config(tmp_path, path, "all")), Segment)]
    folder = launch(config(tmp_path, path, segments=5, seed=3))
    drawn = sorted(ids, key=lambda row: shuffled_rank(3, row))[:5]
    assert [row.id for row in read(folder, Segment)] == [row for row in ids if row in drawn]
    assert drops(folder) == {"not drawn": 7}
    assert len(list(read(folder, DroppedSegment, "dropped"))) == 7


def drawn(tmp_path: Path, path: Path, name: str, **changes: Any) -> list[str]:
    folder = launch(config(tmp_path, str(path), name, **changes))
    assert artifacts.load(folder).rows["pages"] == changes["pages"]
    return kept(folder)


def test_pages_are_drawn_by_the_order_of_their_names(tmp_path: Path) -> None:
    pages = corpus(tmp_path / "pages", 12)
    names = sorted((f"{n:03d}.html" for n in range(12)), key=lambda name: shuffled_rank(1, name))
    assert drawn(tmp_path, pages, "five", pages=5, seed=1) == sorted(names[:5])
    assert drawn(tmp_path, pages, "nine", pages=9, seed=1) == sorted(names[:9])


def test_pages_of_tables_are_drawn_by_ranges_and_a_kill_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in range(8):
        written(tmp_path / "pages", f"{name}.jsonl", {f"http://a/{name}.{n}": prose(3 * name + n) for n in range(3)})
    order = sorted(range(8), key=lambda name: shuffled_rank(0, f"{name}.jsonl 0"))
    wanted = [f"http://a/{name}.{n}" for name in order for n in range(3)][:14]
    assert drawn(tmp_path, tmp_path / "pages", "whole", pages=14) == wanted
    from humpback_exp.corpus import chunks

    work, done = chunks.work, []

    def failing(unit: Unit, *rest: Any) -> Any:
        done.append(unit.number)
        if len(done) in (2, 4, 7):
            raise KeyboardInterrupt
        return work(unit, *rest)

    monkeypatch.setattr(chunks, "work", failing)
    again = config(tmp_path, str(tmp_path / "pages"), "killed", pages=14)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            launch(again)
    assert digests(launch(again)) == digests(tmp_path / "segments/whole")
    everything = launch(config(tmp_path, str(tmp_path / "pages"), "more", pages=99))
    assert artifacts.load(everything).rows["pages"] == 24


def test_the_last_unit_is_cut_to_size() -> None:
    units = [Unit(n, "", ["a.jsonl"]) for n in range(4)]
    assert [(unit.number, unit.most) for unit in enough(units, [3, 3, 3], 5)] == [(0, None), (1, 2)]
    units = [Unit(n, "", ["a.jsonl"]) for n in range(4)]
    assert [(unit.number, unit.most) for unit in enough(units, [3, 3, 3], 6)] == [(0, None), (1, None)]
