"""The report page: exact figures, hostile texts, partial and damaged folders."""

import json
import re
import shutil
from dataclasses import asdict
from html import unescape
from pathlib import Path

import loop_folders as folders
import pytest

from humpback_exp.analysis.collect import collect
from humpback_exp.analysis.page import build
from humpback_exp.analysis.results import Estimate
from humpback_exp.analysis.scores import histogram, read_scores
from humpback_exp.analysis.text import href, plain
from humpback_exp.artifacts import Manifest, write_text
from humpback_exp.config import ReportConfig
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


def test_headline_claims_only_what_the_errors_carry(page: str) -> None:
    # Differences alternate by 0.2 around 0: standard error 0.2 * sqrt(12 / 11) / sqrt(12) = 0.060.
    assert "M1 and M0 cannot be told apart by held-out loss: 0.000 ± 0.060 nats a token over 12 held-out pairs" in page
    # -0.5 with deviations of 0.1: 0.1 * sqrt(12 / 11) / sqrt(12) = 0.030.
    assert "M0 has a lower held-out loss than base: −0.500 ± 0.030 nats a token over 12 held-out pairs" in page
    assert "16.6 paired standard errors" in page
    assert "M1 is preferred by the judge: it wins 95.8 ± 4.2 % of 12 comparisons with base" in page
    assert "The judge does not separate M0: it wins 54.2 ± 9.6 %" in page


def test_training_longer_is_told_from_the_histories(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    history = tmp_path / "models" / "m1" / "history.csv"
    history.write_text(history.read_text() + "4,1.9,1e-05,10\n")
    manifest = tmp_path / "models" / "m1" / "manifest.json"
    assert "steps" not in json.loads(manifest.read_text())["rows"]
    assert "Optimiser steps: M0 2, M1 4." in text(build(str(tmp_path)))


def test_results_table(page: str) -> None:
    row = text(page[page.index("<tr><th>M0</th>") : page.index("<tr><th>M1</th>")].join(["<body>", ""]))
    # Losses 1.4, 1.7, 1.6 ... 2.7: sum of squares about the mean 1.67, so sqrt(1.67 / 11 / 12) = 0.112.
    expected = "M0 2.050 ± 0.112 −0.500 ± 0.030 – 54.2 ± 9.6 3 / 7 / 2"
    assert row.startswith(expected)
    # Five of six readable. 5 lies above 2 and 3, above 4, and equals 5: wins 1/2 and 1, deviations of 1/8, sqrt(2 * 2 / 64).
    assert row.endswith("generated 83% 1.00 ± 0.00 0.75 ± 0.25")


def test_funnel_counts_and_reasons(page: str) -> None:
    seen = text(page)
    assert "pages read 20" in seen and "segments found 60 −2 pages: no header" in seen
    assert "segments kept 25 41.7% −30 too short −5 language" in seen
    assert "drawn 10 40.0% −15 not drawn (limit=10)" in seen
    assert "candidates 8 80.0% −1 empty −1 echoes the prompt" in seen
    assert "rated by m0 6 75.0% −2 rating unreadable kept in m0-a4 3 50.0% −3 below the threshold" in seen
    assert "rated by m1 8 100.0%" in seen


def test_histograms_show_what_was_kept(tmp_path: Path) -> None:
    folders.whole_loop(tmp_path)
    inventory = collect(str(tmp_path))
    ratings, gains = read_scores(inventory, inventory.of("scored"))
    assert [(b.count, b.kept) for b in histogram(ratings, 1, 5)] == [(1, 0), (1, 0), (1, 0), (1, 1), (2, 2)]
    assert (ratings.abandoned, ratings.threshold, ratings.rule) == (2, 4.0, "score of at least 4")
    assert not gains.whole and gains.kept is None
    assert sum(b.count for b in histogram(gains, -0.5, 1.0)) == 8


def test_rows_worth_reading(page: str) -> None:
    seen = text(page)
    assert seen.index("Best rated in scored/m1 1.00 Instruction 7") < seen.index(
        "Worst rated in scored/m1 −0.50 Instruction 6"
    )
    assert 'href="https://example.org/7"' in page
    assert "base loss 2.00 base answers 0 M0 loss 1.40, win m0 answers 0" in seen
    assert "echoes the prompt Instruction 9" in seen


def test_lineage_and_settings(page: str) -> None:
    seen = text(page).partition("What was made from what")[2]
    assert re.search(
        r"candidates/web [0-9a-f]{8} 10 segments, 8 candidates [\d.]+ s segments/web, models/backward", seen
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
    assert not re.search(r"(src|srcset|data|action|xlink:href)=\"", page.replace("data-label=", ""))
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
    assert "Damaged scored/m1 : " in seen and "not a readable Score file" in seen
    assert "Damaged models/backward : could not convert string to float" in seen
    assert "M0 has a lower held-out loss than base" in seen and "M1 is preferred" not in seen


@pytest.mark.parametrize(
    "change", [{"rows": 3}, {"kind": "evals"}, {"inputs": {"a": "b"}}, {"drops": {"a": None}}, {"config": []}]
)
def test_manifests_of_another_shape_are_damaged(tmp_path: Path, change: dict[str, object]) -> None:
    folders.segments(tmp_path)
    folders.model(tmp_path, "m0")
    path = tmp_path / "models" / "m0" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert list(collect(str(tmp_path)).damaged) == ["models/m0"]
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
    ("estimate", "side"),
    [((0.6, 0.05, 12), 0), ((0.61, 0.05, 12), 1), ((0.39, 0.05, 12), -1), ((1.0, 0.05, 9), 0), ((1.0, 0.0, 50), 0),
     ((1.0, float("nan"), 50), 0)],
)  # fmt: skip
def test_what_counts_as_an_effect(estimate: tuple[float, float, int], side: int) -> None:
    assert Estimate(*estimate).side(0.5) == side


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
