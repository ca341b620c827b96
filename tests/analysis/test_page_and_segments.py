"""The page that shows a web page beside its segments."""

from pathlib import Path

import pytest

from humpback_exp.analysis.pages import page_and_segments
from humpback_exp.config import ReportConfig
from humpback_exp.corpus.pages import Page
from humpback_exp.workflow import report

LINES = (
    "Cold water keeps the beans firm, while hot water makes them soft within an hour. "
    "A clay pot holds its heat for so long that the fire may go out before supper. "
    "Salt belongs in at the very end, since it toughens every skin it meets early on. "
    "My grandmother stored hers in linen bags under the roof, far away from the mice. "
    "White ones want a pinch of savory; black ones get along with garlic and a bay leaf. "
    "Whoever forgets to soak them overnight can bring them to a boil twice instead. "
    "In dry summers the pods stay short and the harvest fits into a single basket. "
    "Seed that is older than four years sprouts badly and should go to the hens."
)
HTML = f"<h1>Beans</h1><p>{LINES}</p><nav><h2>Menu</h2><a href=a>All</a></nav><h2>LOUD</h2><p>&lt;script&gt;x</p>"


def test_every_header_with_its_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "beans.html").write_text(HTML)
    report.run(ReportConfig(output_root=str(tmp_path), page=str(tmp_path / "beans.html")))
    path = Path(capsys.readouterr().out.strip().removeprefix("report: "))
    page = path.read_text()
    assert path.parent == tmp_path / "reports" and path.name.endswith("beans.html.html")
    assert page.count("<h3>") == 3
    for part in ("<h3>Beans</h3>", "dropped: header in capitals", "dropped: furniture: nav", "1 of 3 headers"):
        assert part in page
    assert "<script" not in page and "&lt;script&gt;x" in page


@pytest.mark.parametrize(("content", "why"), [("", "empty page"), ("<p>x", "no header")])
def test_what_is_no_page(tmp_path: Path, content: str, why: str):
    (tmp_path / "a.html").write_text(content)
    with pytest.raises(ValueError, match=f"^page={tmp_path}/a.html: no segment to show .{why}.; name"):
        report.run(ReportConfig(output_root=str(tmp_path), page=str(tmp_path / "a.html")))
    with pytest.raises(ValueError, match=f"^page={tmp_path}/b.html: unreadable; name"):
        report.run(ReportConfig(output_root=str(tmp_path), page=str(tmp_path / "b.html")))


@pytest.mark.parametrize("address", ["http://127.0.0.1/a b", "http://a b/", "http://[/"])
def test_what_is_no_address(tmp_path: Path, address: str):
    with pytest.raises(ValueError, match="^page=http://.*: cannot be fetched .*; save it and name the file"):
        report.run(ReportConfig(output_root=str(tmp_path), page=address))


def test_one_page_at_a_time():
    with pytest.raises(ValueError, match="^page=a.html: excludes sweep and runs"):
        ReportConfig(page="a.html", sweep="s")


def test_a_line_of_the_page_is_a_block_or_a_line_of_code():
    html = b"<h1>Beans</h1><p>Dry <b>the\nbeans</b> <i>for</i> a week.</p><pre>a\nb</pre><ul><li>One<li>Two</ul>"
    assert page_and_segments._text(Page("beans.html", html)).split("\n") == [
        "Beans",
        "Dry the beans for a week.",
        "a",
        "b",
        "One",
        "Two",
    ]
