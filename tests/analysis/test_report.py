"""The report page: exact figures, hostile texts, partial and damaged folders."""

import json
import re
import shutil
import time
from dataclasses import asdict
from html import unescape
from pathlib import Path

import loop_folders as folders
import pytest

from humpback_exp import artifacts
from humpback_exp.analysis.comparisons import Change
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.format import href, plain
from humpback_exp.analysis.measures import WIN
from humpback_exp.analysis.pages.loop import build, compared
from humpback_exp.analysis.scores import Scored, histograms, read_scores, rule
from humpback_exp.artifacts import Manifest, write_text
from humpback_exp.config import DataConfig, ReportConfig, TrainConfig
from humpback_exp.evaluation.intervals import Interval
from humpback_exp.records import Measured
from humpback_exp.workflow import report

HOSTILE = {
    "url": "javascript:alert(1)",
    "instruction": "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\x00\x1b[31m\u202e",
    "output": "</style></title><svg onload=\"document.title='owned'\"><iframe src='http://evil.example/'></iframe>{{ 7*7 }}",
}


def text(page: str) -> str:
    """What a reader sees, on one line."""
    body = page[page.index("<body>") :]
    return " ".join(unescape(re.sub("<[^>]+>", " ", body)).split())


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("loop")
    folders.whole_loop(root)
    return build(str(root))


def test_headline_claims_only_what_the_intervals_carry(page: str) -> None:
    headline = text("<body>" + page[page.index('id="headline">') : page.index("<nav>")])
    # Deviations of 0.1: an error of 0.1 * sqrt(12 / 11) / sqrt(12) = 0.0302, times t(11) for one of two comparisons, 2.593.
    assert (
        "By held-out loss, M0 is better than base: −0.500 nats a token (95 % interval −0.578 to −0.422), beyond"
        in headline
    )
    # 11 wins and a tie: 45.8 points from 50 %, an error of 4.17 points, and no further than all comparisons won.
    assert (
        "By win rate, M1 is better than base: +45.8 points from an even 50 % (95 % interval +35.0 to +50.0)" in headline
    )
    # Differences alternate by 0.2 around 0: an error of 0.0603, times t(11) = 2.201, uncorrected for the only round.
    assert (
        "By held-out loss, M1 and M0 cannot be told apart: 0.000 nats a token (95 % interval −0.133 to +0.133), within"
        in headline
    )
    assert headline.index("M0 is better than base") < headline.index("M1 and M0 cannot")


def test_figures_against_the_reference_show_whole_intervals(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    _, results = compared(str(tmp_path), read_catalog(str(tmp_path)))
    win, loss = (results["references"].stated[0].changes[key].level for key in ("win_rate", "heldout_loss"))
    assert loss.ends == pytest.approx((-0.578, -0.422), abs=1e-3) and loss.value == pytest.approx(-0.5)
    assert win.ends == pytest.approx((29.1, 79.2), abs=0.1)


def test_what_was_compared_is_one_table(page: str) -> None:
    """The references stand in the results, and so not here again."""
    seen = text(page).partition("What each round and variant changed")[2]
    assert "M1 against M0 win rate, points +41.7" in seen
    assert "M1 against M0 held-out loss, nats a token 0.000 −0.133 to +0.133 within noise p = 1.000" in seen
    assert "against base" not in seen
    assert "<li" not in page


def test_training_longer_is_told_from_the_histories(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    history = tmp_path / "models" / "m1" / "history.csv"
    history.write_text(history.read_text() + "4,1.9,1e-05,10\n")
    manifest = tmp_path / "models" / "m1" / "manifest.json"
    assert "steps" not in json.loads(manifest.read_text())["rows"]
    assert "M1 and M0 differ in optimiser steps (4 against 2)" in text(build(str(tmp_path)))


def test_results_table(page: str) -> None:
    row = text(page[page.index("<tr><th>M0</th>") : page.index("<tr><th>M1</th>")].join(["<body>", ""]))
    # Losses 1.4, 1.7, 1.6 ... 2.7: an error of sqrt(1.67 / 11 / 12) = 0.112, times t(11) = 2.201 is 0.248.
    assert row.startswith("M0 0 54.2 29.1 to 79.2 2.050 1.802 to 2.298 −0.500 −0.578 to −0.422")
    table = page[page.index("as raters</h3>") :]
    row = text(table[table.index("<tr><th>M0</th>") : table.index("<tr><th>M1</th>")].join(["<body>", ""]))
    # Five of six readable. 5 lies above 2 and 3, above 4, and equals 5: wins 1/2 and 1, deviations of 1/8, sqrt(2 * 2 / 64).
    assert row.startswith("M0 3 / 7 / 2 ") and row.endswith("generated 83% 1.00 0.75 0.00 to 1.00")


def test_funnel_counts_and_reasons(page: str) -> None:
    seen = text(page)
    assert "pages read 20" in seen and "segments found 60 −2 pages: no header" in seen
    assert "segments kept 25 41.7% −30 too short −5 language" in seen
    assert "drawn 10 40.0% −15 not drawn (limit=10)" in seen
    assert "candidates 8 80.0% −1 empty −1 echoes the prompt" in seen
    assert "rated by m0 6 75.0% −2 rating unreadable kept in m0-a4 3 50.0% −3 below the threshold" in seen
    assert "rated by m1 8 100.0%" in seen


def test_a_corpus_is_counted_once_however_many_models_write_for_it(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    folders.candidates(tmp_path, {}, name="web-retrain")
    seen = text(build(str(tmp_path)))
    assert "A backward model wrote 8 usable instructions, another as well for the same segments; pairs were" in seen
    assert seen.count("segments kept 25") == 1
    assert "drawn in web-retrain 10 40.0% −15 not drawn (limit=10) candidates in web-retrain 8 80.0%" in seen


def test_likelihoods_are_drawn_in_nats_with_the_rows_that_were_kept(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    folder = next(one for one in read_catalog(str(tmp_path)).of("scored") if one.name == "m1")
    empty = dict.fromkeys(("generated", "expected", "mass", "backward"))
    rows = [
        Measured(id=f"{i}", score=1.0 + i, outcome="scored", dropped="", forward=gain, **empty)
        for i, gain in enumerate((0.0, -0.1, -0.26, -0.4))
    ]
    (drawn,) = histograms([Scored(folder, [(tmp_path, row) for row in rows], {"2", "3"}, "best 50%")])
    assert drawn.unit == "nats a token that the instruction saves on the output"
    assert (drawn.edges[0], drawn.edges[-1]) == pytest.approx((-0.4, 0.0))
    assert [place for place, count in enumerate(drawn.kept) if count] == [0, 8] and sum(drawn.counts) == 4
    assert drawn.caption == "4 rated; 2 kept (best 50%)"


@pytest.mark.parametrize(
    ("asked", "said"),
    [((4.5, None, None), "score of at least 4.5"), ((None, 0.3, None), "best 30%"), ((None, None, None), "no curation"),
     ((4.0, None, 100), "score of at least 4, at most 100 at random")],
)  # fmt: skip
def test_selections_are_named_by_their_rule(asked: tuple[float | None, float | None, int | None], said: str) -> None:
    assert rule(*asked) == said


def test_a_selection_as_large_as_another_is_said_to_be_so(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    data = DataConfig(scored=f"{tmp_path}/scored/m1", as_many_as=f"{tmp_path}/curated/m0-a4")
    artifact = artifacts.begin(TrainConfig(output_root=str(tmp_path), name="m1-other", data=data))
    artifacts.finish(artifact, started=time.time(), rows={"examples": 3, "seed": 0, "web": 3})
    catalog = read_catalog(str(tmp_path))
    _, gains = histograms(read_scores(catalog, catalog.of("scored")))
    assert gains.caption == "8 rated; 3 kept (the best, as many as curated/m0-a4 holds)" and sum(gains.kept) == 3


def test_histograms_show_what_was_kept(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    catalog = read_catalog(str(tmp_path))
    ratings, gains = histograms(read_scores(catalog, catalog.of("scored")))
    assert (ratings.counts, ratings.kept) == ([1, 1, 1, 1, 2], [0, 0, 0, 1, 2])
    assert ratings.caption == "6 rated, 2 unreadable; 3 kept (score of at least 4)"
    assert (ratings.title, gains.caption) == ("scored/m0", "8 rated; nothing was selected from it")
    assert sum(gains.counts) == 8 and not sum(gains.kept)


def test_rows_worth_reading(page: str) -> None:
    seen = text(page)
    assert seen.index("Best rated in scored/m1 1.00 Instruction 7") < seen.index(
        "Worst rated in scored/m1 −0.50 Instruction 6"
    )
    assert 'href="https://example.org/7"' in page
    assert "base loss 2.00 base answers 0 M0 loss 1.40, win (85%) m0 answers 0" in seen
    assert "echoes the prompt Instruction 9" in seen


def test_lineage_and_settings(page: str) -> None:
    seen = text(page).partition("What was made from what")[2]
    assert re.search(
        r"candidates/web segments/web, models/backward 10 segments, 8 candidates [\d.]+ s [0-9a-f]{8}", seen
    )
    order = [seen.index(f" {label} ") for label in ("segments/web", "candidates/web", "scored/m0", "curated/m0-a4")]
    assert order == sorted(order)
    assert "models data.direction data.min_score data.scored" in seen


def test_an_input_made_anew_is_told(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    assert "made anew since" not in build(str(tmp_path))
    shutil.rmtree(tmp_path / "segments" / "web")
    folders.segments(tmp_path, min_chars=700)
    seen = text(build(str(tmp_path)))
    assert "models/backward, web (made anew since)" in seen
    assert "segments drawn 10 candidates 8 80.0%" in seen


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path, HOSTILE)
    page = build(str(tmp_path))
    assert "&lt;script&gt;" in page and "{{ 7*7 }}" in page
    tags = set(re.findall(r"<\s*([a-zA-Z]+)", page))
    assert not tags & {"script", "img", "iframe", "object", "embed", "link", "form"}
    assert page.count("<style>") == page.count("</style>") == 1
    assert "javascript:alert(1)" in text(page)
    assert all(re.match(r"#|https?://", address) for address in re.findall(r'href="([^"]*)"', page))
    assert not re.search(r"(src|srcset|data|action)=\"|xlink:href=\"[^#]", page.replace("data-label=", ""))
    assert not {"\x00", "\x1b", "\u202e"} & set(page)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:x", "data:text/html,x", "//a.example", "http:x", "page.html",
     "http://a.example/\"onclick=", "https://a.example/\u202e", "http://[bad", "file:///etc/passwd"],
)  # fmt: skip
def test_only_plain_web_addresses_become_links(url: str) -> None:
    assert href(url) == ""


def test_plain_keeps_what_people_write() -> None:
    assert plain("a\tb\r\nc \u00e9\u4e2d\U0001f40b\ud800\x07") == "a\tb\nc \u00e9\u4e2d\U0001f40b"


def test_partial_loops(tmp_path: Path) -> None:
    folders.model(tmp_path, "scratch")
    alone = build(str(tmp_path))
    assert "Nothing has been evaluated yet" in alone and 'id="losses"' in alone and 'id="results"' not in alone
    folders.segments(tmp_path)
    (tmp_path / "evals" / "m0").mkdir(parents=True)
    (tmp_path / "evals" / "m0" / "begun.json").write_text("{}")
    both = text(build(str(tmp_path)))
    assert "segments kept 25" in both and "Unfinished, not shown: evals/m0 ." in both


def test_damaged_folders_are_named_and_left_out(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    (tmp_path / "models" / "m1" / "manifest.json").write_text("{")
    (tmp_path / "evals" / "m1" / "data" / "00000.parquet").unlink()
    (tmp_path / "scored" / "m1" / "data" / "00000.parquet").write_bytes(b"PAR1 no more")
    (tmp_path / "models" / "backward" / "history.csv").write_text("step,loss\n1,much\n")
    seen = text(build(str(tmp_path)))
    assert "Damaged models/m1 : " in seen and "manifest.json: damaged" in seen
    assert "Damaged evals/m1 : " in seen and "00000.parquet: missing; delete" in seen
    assert "Damaged scored/m1 : " in seen and "not a readable Measured file" in seen
    assert "Damaged models/backward : could not convert string to float" in seen
    assert "M0 is better than base" in seen and "M1 is better" not in seen


@pytest.mark.parametrize(
    "change", [{"rows": 3}, {"kind": "evals"}, {"inputs": {"a": "b"}}, {"drops": {"a": None}}, {"config": []}]
)
def test_manifests_of_another_shape_are_damaged(tmp_path: Path, change: dict[str, object]) -> None:
    folders.segments(tmp_path)
    folders.model(tmp_path, "m0")
    path = tmp_path / "models" / "m0" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert list(read_catalog(str(tmp_path)).damaged) == ["models/m0"]
    assert "Damaged models/m0" in text(build(str(tmp_path)))


def test_nothing_finished_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "models" / "m0").mkdir(parents=True)
    (tmp_path / "models" / "m0" / "config.yaml").write_text("stage: train\n")
    with pytest.raises(
        ValueError, match=r"no finished folder .*1 unfinished, 0 damaged.*run python pipeline.py"
    ) as error:
        build(str(tmp_path))
    assert "\n" not in str(error.value)


def test_the_stage_writes_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders.segments(tmp_path)
    report.run(ReportConfig(output_root=str(tmp_path)))
    report.run(ReportConfig(output_root=str(tmp_path), output=str(tmp_path / "deep" / "page.html")))
    assert (tmp_path / "report.html").read_bytes() == (tmp_path / "deep" / "page.html").read_bytes()
    assert capsys.readouterr().out.split("\n") == [
        *("", f"report: {tmp_path}/report.html"),
        *("", f"report: {tmp_path}/deep/page.html", ""),
    ]
    with pytest.raises(ValueError, match="is a folder"):
        report.run(ReportConfig(output_root=str(tmp_path), output=str(tmp_path)))


@pytest.mark.parametrize(
    ("value", "error", "rows", "comparisons", "side"),
    [(2.2, 1.0, 12, 1, 0), (2.21, 1.0, 12, 1, 1), (-2.21, 1.0, 12, 1, -1), (2.21, 1.0, 12, 2, 0), (9.0, 1.0, 9, 1, 0),
     (9.0, 0.0, 50, 1, 0), (9.0, float("nan"), 50, 1, 0)],
)  # fmt: skip
def test_what_counts_as_an_effect(value: float, error: float, rows: int, comparisons: int, side: int) -> None:
    """t(11) = 2.201 at 5 %."""
    interval = Interval(value, error, 11, rows, (1, 1), comparisons=comparisons)
    assert Change(WIN, interval, paired=True, by_seed=False, even=False).side == side


def test_the_page_of_500_runs_is_small(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    like = json.loads((tmp_path / "models" / "m1" / "manifest.json").read_text())
    for number in range(500):
        name = f"sweep/lr{number}"
        config = like["config"] | {"optim.lr": number, "seed": number % 5}
        manifest = Manifest(**(like | {"name": name, "fingerprint": f"{number:064x}", "config": config, "files": {}}))
        (tmp_path / "models" / name).mkdir(parents=True)
        write_text(tmp_path / "models" / name / "manifest.json", json.dumps(asdict(manifest)))
    page = build(str(tmp_path))
    assert len(page) < 1_000_000 and "models/sweep/lr499" in page
