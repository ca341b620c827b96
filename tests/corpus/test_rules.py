"""What is part of a page's text and what is not: names weighed, boxes cut, lines of a site left out, overlaps resolved."""

import gzip
from pathlib import Path

import pytest

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus import archives, chunks, files, nesting, pages, sites
from humpback_exp.corpus.boxes import is_stop
from humpback_exp.corpus.decoding import NotAPage
from humpback_exp.corpus.overlap import resolve
from humpback_exp.corpus.segments import STOP_HEADERS, Section, cut, sections

PROSE = "Dry the beans for a week before you store them in a jar with a tight lid. " * 5
LONGER = "Keep the jar in a dark place and turn it over now and then until the winter. " * 12


def texts(html: str) -> list[tuple[str, str]]:
    return [(section.header, section.text) for section in sections("a.html", html.encode())]


def lost(html: str) -> list[tuple[str, str]]:
    return [(section.header, section.lost) for section in cut("a.html", html.encode()) if section.lost]


@pytest.mark.parametrize(
    "wrapper",
    [
        "div class='row sidebar'",
        "div class='site-footer-wrapper'",
        "div id=related",
        "div role=navigation",
        "aside",
        "form",
        "footer",
        "noscript",
        "div hidden",
        "div aria-hidden=true",
        "div style='display:none'",
        "div class='sr-only'",
        "dialog",
        "div class=comments",
    ],
)
def test_what_holds_the_page_is_no_furniture_whatever_it_is_called(wrapper: str):
    page = f"<{wrapper}><h1>Beans</h1><p>{PROSE}</p></{wrapper.split()[0]}>"
    assert texts(page) == [("Beans", PROSE.strip())]
    beside = f"<h1>Jars</h1><p>{LONGER}{LONGER}</p><{wrapper}><h2>Beans</h2><p>Short.</p></{wrapper.split()[0]}>"
    assert texts(beside) == [("Jars", f"{LONGER}{LONGER}".strip())]
    assert [reason[:11] for _, reason in lost(beside)] == ["furniture: "]


def test_the_reason_says_what_speaks_for_furniture():
    page = f"<h1>Jars</h1><p>{LONGER}</p>"
    assert lost(f"{page}<nav><h2>Menu of all</h2><a href=x>A</a></nav>") == [("Menu of all", "furniture: nav")]
    assert lost(f"{page}<div class='big site-footer'><h3>Us</h3></div>") == [("Us", "furniture: class footer")]
    assert lost(f"{page}<div role=banner><h3>Us</h3></div>") == [("Us", "furniture: role banner")]
    assert lost(f"{page}<div hidden><h3>Us</h3></div>") == [("Us", "furniture: hidden")]


def test_navigation_is_told_by_its_links():
    links = "".join(f"<a href=p{n}>Another page about the storing of beans, {n}</a> " for n in range(9))
    menu = f"<h1>Jars</h1><p>{LONGER}{LONGER}</p><div class=menu><h2>Menu</h2><p>%s</p></div>"
    assert [header for header, _ in texts(menu % links)] == ["Jars"]
    assert [header for header, _ in texts(menu % PROSE)] == ["Jars", "Menu"]


def test_a_section_named_after_its_header_is_text():
    page = f"<h1>Jars</h1><p>{LONGER}</p><section id=footer><h2>Footer</h2><p>Two keys turn the page.</p></section>"
    assert [header for header, _ in texts(page)] == ["Jars", "Footer"]


def test_panels_that_a_button_opens_are_text_and_menus_are_not():
    page = (
        f"<h1>Help</h1><h3><button aria-controls=a>How?</button></h3><div id=a hidden><p>{PROSE}</p></div>"
        f"<h3><button aria-controls=b>Why?</button></h3><div id=b aria-hidden=true><p>{LONGER}</p></div>"
        "<button aria-controls=c>Menu</button><div id=c hidden><a href=x>All about the storing of beans</a></div>"
    )
    assert texts(page)[1:] == [("How?", PROSE.strip()), ("Why?", LONGER.strip())]


@pytest.mark.parametrize("opened", ["<button><h3>%s</h3></button>", "<div role=tablist><h3>%s</h3></div>"])
def test_headers_of_an_accordion_are_headers(opened: str):
    page = f"<h1>Help</h1>{opened % 'How?'}<div><p>{PROSE}</p></div>{opened % 'Why?'}<div><p>{LONGER}</p></div>"
    assert texts(page)[1:] == [("How?", PROSE.strip()), ("Why?", LONGER.strip())]


def test_what_a_builder_of_pages_calls_a_widget_is_text_and_its_sidebar_is_not():
    block = "<div class='elementor-element elementor-widget elementor-widget-%s'>%s</div>"
    page = (
        block % ("heading", "<h2>Lids</h2>")
        + block % ("text-editor", f"<p>{PROSE}</p>")
        + block % ("heading", "<h2>Jars</h2>")
    )
    page += block % ("text-editor", f"<p>{LONGER}</p>") + block % ("sidebar", "<h2>Shop</h2>")
    assert texts(page) == [("Lids", PROSE.strip()), ("Jars", LONGER.strip())]


def test_an_aside_that_is_a_note_is_text():
    page = f"<main><h1>Jars</h1><p>{PROSE}</p><aside class='note big'>Keep it shut.</aside><p>{LONGER}</p><aside>Ad.</aside></main>"
    assert texts(page) == [("Jars", f"{PROSE.strip()}\n\nKeep it shut.\n\n{LONGER.strip()}")]


def test_the_only_h1_is_a_title_wherever_it_stands():
    page = f"<div role=banner>Home <h1>Storing beans</h1> By me</div><p>{PROSE}</p>"
    assert texts(page) == [("Storing beans", PROSE.strip())]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Advertisement", True),
        ("ADVERTISEMENT - continue reading below", True),
        ("Capability Advertisement", False),
        ("Router advertisement messages in IPv6", False),
        ("Our forums", True),
        ("Forum Romanum", False),
        ("Quick Links", True),
        ("Get the free newsletter now", True),
        ("Conforum", False),
    ],
)
def test_stop_words(header: str, expected: bool):
    assert is_stop(header, STOP_HEADERS) == expected
    assert not is_stop(header, [])


@pytest.mark.parametrize("header", ["Advertisement", "Sign up for our newsletter", "Watch: how jars are made"])
def test_the_text_after_a_label_is_the_articles(header: str):
    page = f"<h1>Jars</h1><p>{PROSE}</p><h2>{header}</h2><p>Never miss a tip.</p><p>{LONGER}</p>"
    assert texts(page) == [("Jars", f"{PROSE.strip()}\n\n{LONGER.strip()}")]
    assert lost(page) == [(header, "navigation header")]
    boxed = f"<h1>Jars</h1><p>{PROSE}</p><div><h2>{header}</h2><p>{PROSE}</p></div><p>{LONGER}</p>"
    assert texts(boxed) == [("Jars", f"{PROSE.strip()}\n\n{LONGER.strip()}")]


def test_lists_of_links_comments_and_cookie_notices_end_with_their_box():
    page = (
        f"<h1>Jars</h1><p>{LONGER}</p><h2>Related articles</h2><ul><li><a href=a>Lids</a></ul>"
        f"<h2>3 Comments</h2><p>Anna says: {PROSE}</p><h2>Your privacy</h2><p>We use cookies to show adverts. {PROSE}</p>"
    )
    assert texts(page) == [("Jars", LONGER.strip())]
    assert [reason for _, reason in lost(page)] == ["navigation header", "comments", "cookie notice"]
    assert texts(f"<h1>Jars</h1><h2>Comments</h2><p>{LONGER}</p>")[1] == ("Comments", LONGER.strip())


@pytest.mark.parametrize(
    "line",
    [
        "Share this on Facebook",
        "Tweet",
        "By Anna Smith, 3 May 2021",
        "By Anna Smith",
        "Published: 3 May 2021 at 10:15",
        "Updated 3 hours ago",
        "Advertisement",
        "5 min read",
        "Subscribe to our newsletter for more",
        "This page was last modified on 1 May 2020",
        "<a href=x>Read more: lids of all kinds</a>",
    ],
)
def test_lines_that_are_no_text_stand_nowhere_in_it(line: str):
    assert texts(f"<h1>Jars</h1><p>{line}</p><p>{PROSE}</p><p>{line}</p><p>{LONGER}</p>") == [
        ("Jars", f"{PROSE.strip()}\n\n{LONGER.strip()}")
    ]


@pytest.mark.parametrize(
    "line",
    [
        "<p>Copyright 2024 Green Corner. All rights reserved.</p>",
        "<p>© 2024 Green Corner</p>",
        "<p>Back to top</p>",
        "<p>Was this page helpful?</p>",
        "<p>Leave a comment</p>",
        "<table><tr><td>[<a href=t>Top</a>][<a href=c>Contents</a>]<td>[<a href=i>Index</a>]</table>",
        "<ul><li><a href=a>Lids</a><li><a href=b>Corks</a></ul>",
        "<p>Footnotes</p>",
        "<dl><dt>See also:<dd><ul><li><a href=a>Lids</a></ul></dl>",
    ],
)
def test_closing_lines_end_no_text_of_any_level(line: str):
    page = f"<h1>Jars</h1><p>{PROSE}</p>{line}<h2>Lids</h2><p>{LONGER}</p>{line}"
    whole = f"{PROSE.strip()}\n\nLids\n\n{LONGER.strip()}"
    assert texts(page) == [("Jars", whole), ("Lids", LONGER.strip())]


@pytest.mark.parametrize(
    "line",
    [
        "Report a bug on the tracker and attach the log file.",
        "Send us feedback by mail, and we answer.",
        "Edit page settings to change the margins.",
        "Created by the installer, this file must not be edited.",
        "Powered by two batteries, the lamp lasts a year.",
    ],
)
def test_sentences_that_begin_like_closing_lines_are_text(line: str):
    page = f"<h1>Jars</h1><p>{PROSE}</p><p>{line}</p><h2>Lids</h2><p>{LONGER}</p><p>{line}</p>"
    assert texts(page)[1] == ("Lids", f"{LONGER.strip()}\n\n{line}")
    assert line in texts(page)[0][1].removesuffix(line)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("Add a comment to a jar", PROSE),
        ("Leave a comment on a lid", PROSE),
        ("No replies from the server?", PROSE),
        ("Subscribe to release updates", PROSE),
        ("Get updates from the package server", PROSE),
        ("Cookie authentication", f"{PROSE.strip()} Our middleware stores the token in cookies."),
    ],
)
def test_headers_that_begin_like_those_of_boxes_are_the_articles(header: str, text: str):
    page = f"<h1>Jars</h1><p>{LONGER}</p><h2>{header}</h2><p>{text}</p>"
    assert texts(page)[1:] == [(header, text.strip())]


def test_a_list_that_its_sentence_needs_is_text():
    page = f"<h1>Jars</h1><p>{PROSE}</p><p>There are two kinds of lids:</p><ul><li><a href=a>Corks</a><li><a href=b>Caps</a></ul>"
    assert texts(page) == [("Jars", f"{PROSE.strip()}\n\nThere are two kinds of lids:\n\n- Corks\n- Caps")]


@pytest.mark.parametrize(
    "line",
    [
        "By default the lid is closed.",
        "Copy the page and share your jars.",
        "Like a lid.",
        "Sign up with your work e-mail address and choose a password.",
        "Enter your email address and check your inbox for the link.",
        "Subscribe to the channel to receive updates when a jar is full.",
        "Get the e-mail address of the current user.",
        "Never miss a lid: catch it in the outer loop.",
        "Languages: English, French and German are supported.",
    ],
)
def test_sentences_that_begin_like_such_lines_are_text(line: str):
    assert texts(f"<h1>Jars</h1><p>{line}</p><p>{PROSE}</p>") == [("Jars", f"{line}\n\n{PROSE.strip()}")]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("x<sup>2</sup>, 10<sup>-4</sup>, e<sup>x+1</sup>, 3<sup>rd</sup>", "x^2, 10^-4, e^(x+1), 3rd"),
        (
            "<p>It froze.<sup>3</sup> It broke<sup><a href='#n1'>[1]</a></sup> <a href='#n'>[2]</a>.",
            "It froze. It broke.",
        ),
        ("H<sub>2</sub>O, x<sub>i</sub>, 10<sub>2</sub>", "H2O, x_i, 10_2"),
        ("<math><mfrac><mi>a</mi><mrow><mi>b</mi><mo>+</mo><mn>1</mn></mrow></mfrac></math>", "a/(b+1)"),
        ("<script type='math/tex'>a^2</script>", "a^2"),
        ("<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "漢(kan)"),
        ("<q>Quoted</q> <del>gone</del> kept", "“Quoted” kept"),
        ("a\u202eb\u0007c\u200bd\ue000e", "abcde"),
        ("<pre><span class=lineno>1</span>a\n<span class=lineno>2</span>  b</pre>", "a\n  b"),
        ("<pre>1 a\n2   b\n3 c</pre>", "a\n  b\nc"),
        ("<table><tr><td rowspan=2>a<td>b<tr><td>c<tr><td colspan=2>d<td>e</table>", "a | b\na | c\nd |  | e"),
        ("<table><tr><td><td>a<td>b<tr><td><td>c<td>d</table>", "a | b\nc | d"),
        ("<table><tr><td>one<tr><td>column</table>", "one\n\ncolumn"),
        (
            "<table><tr><td>int f<td>(<td>int<td>a,<tr><td><td><td>int<td>b<tr><td><td>)</table>",
            "int f ( int a, int b )",
        ),
        ("<p>a<\x10b>bold<\x7f/b> text</p>", "abold text"),
    ],
)
def test_text_details(html: str, text: str):
    assert texts(f"<h1>T</h1>{html}") == [("T", text)]


def section(start: int, end: int, chars: int) -> Section:
    return Section("u", start, ["h"], "h", "x" * chars, 0.0, start, end)


def test_of_overlapping_segments_one_is_kept():
    whole, part, other = section(0, 9, 1000), section(2, 5, 300), section(5, 9, 300)
    found = [whole, part, other]
    inside, covered = "inside a kept segment", "covered by its parts"
    assert resolve(found, [None] * 3, "ancestor", 0.8) == [None, inside, inside]
    assert resolve(found, [None] * 3, "ancestor", 0.6) == [covered, None, None]
    assert resolve(found, [None] * 3, "leaf", 0.8) == [covered, None, None]
    assert resolve(found, ["too long", None, "links"], "ancestor", 0.8) == ["too long", None, "links"]
    assert resolve([*found, section(9, 12, 99)], [None] * 4, "leaf", 0.8) == [covered, None, None, None]


def test_a_row_of_values_with_one_link_is_no_pointer():
    row = "<tr><td>pad<td>a <a href=x>GdkDevicePad</a></tr>"
    page = f"<h2>F</h2><h3>Parameters</h3><table>{row}</table><h3>Returns</h3><p>The number of groups.</p>"
    assert texts(page)[1:] == [("Parameters", "pad | a GdkDevicePad"), ("Returns", "The number of groups.")]
    links = "<tr><td><a href=x>All of the releases</a><td><a href=y>older ones</a></tr>"
    assert texts(page.replace(row, links))[1] == ("Parameters", "")


def test_without_stop_headers_only_boxes_fall():
    page = f"<h1>T</h1><p>{PROSE}</p><h2>Forum</h2><p>{PROSE}</p><h2>Related articles</h2><a href=x>One</a>".encode()
    found = list(cut("a.html", page, stop_headers=[]))
    assert [(part.header, part.lost) for part in found] == [
        ("T", ""),
        ("Forum", ""),
        ("Related articles", "navigation header"),
    ]


def test_one_word_in_capitals_may_be_kept():
    def verdicts(**changes: object) -> list[str | None]:
        config = CorpusConfig(path="x", min_chars=100, **changes)  # type: ignore[arg-type]
        text = (
            "Cold water keeps the beans firm, while hot water makes them soft. The lid must be dry before you close it."
        )
        page = f"<h2>OPTIONS</h2><p>{text}</p><h2>LOUD WORDS</h2><p>{text}</p>"
        return chunks.judged(pages.Page("a.html", page.encode()), config, {})[1]

    assert verdicts() == ["header in capitals"] * 2
    assert verdicts(capital_words=True) == [None, "header in capitals"]


def test_lines_of_a_site_are_left_out(tmp_path: Path):
    (tmp_path / "shop").mkdir()
    for n in range(8):
        page = f"<h1>The Jar Shop</h1><h2>Jar {n}</h2><p>{n} {PROSE}</p>"
        page += f"<p>All our jars are made of glass.</p><p>Number {n} is out.</p>"
        (tmp_path / "shop" / f"{n}.html").write_text(page)
    units = pages.units(str(tmp_path), 3)
    sites.add_neighbours(units)
    assert [list(unit.neighbours) for unit in units] == [["shop"]] * 3
    lines = sites.repeated(units[1], 8)
    assert lines == {"shop": {"All our jars are made of glass.", "# The Jar Shop"}}
    found, _, _ = chunks.judged(next(pages.read(units[0])), CorpusConfig(path="x"), lines)
    assert [(part.header, part.text) for part in found] == [("Jar 0", f"0 {PROSE.strip()}\n\nNumber 0 is out.")]


def record(number: int, body: bytes) -> bytes:
    content = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a/%d\r\nContent-Length: %d\r\n\r\n"
    return head % (number, len(content)) + content + b"\r\n\r\n"


@pytest.mark.parametrize("packed", [False, True])
def test_ranges_of_an_archive_give_every_record_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool):
    whole = [record(n, b"<h1>A</h1>" + b"word %d " % n * 50) for n in range(40)]
    path = tmp_path / ("a.warc.gz" if packed else "a.warc")
    path.write_bytes(b"".join(gzip.compress(one) if packed else one for one in whole))
    file = files.at(str(path))
    for size in (1, 97, 700, 1 << 20):
        monkeypatch.setattr(archives, "RANGE", size)
        found = [page.url for start, end in archives.ranges(file) for page in archives.read(file, start, end)]
        assert found == [f"http://a/{n}" for n in range(40)]


def test_a_visit_is_part_of_the_id():
    one, other = (next(iter(cut("http://a/", b"<h1>A</h1>x", version=day))).segment().id for day in ("1", "2"))
    assert one != other


def test_pages_beyond_bounds(tmp_path: Path):
    (tmp_path / "big.html").write_bytes(b"<h1>A</h1>" + bytes(1 << 21))
    (tmp_path / "bomb.html.gz").write_bytes(gzip.compress(b"<h1>A</h1>" + bytes(1 << 21)))
    (tmp_path / "a.warc").write_bytes(record(1, b"<h1>A</h1>" + b"x" * (1 << 21)) + record(2, b"<h1>A</h1>"))
    found = [page for unit in pages.units(str(tmp_path), 9) for page in pages.read(unit, 1)]
    assert [(page.url, page.reason) for page in found] == [
        ("big.html", "too large"),
        ("bomb.html.gz", "too large"),
        ("http://a/1", "too large"),
        ("http://a/2", ""),
    ]


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        (b"<ul><li>" * 20_000, "nested too deeply"),
        (b"<div></x>" * 20_000, "nested too deeply"),
        (b"<svg><p>" + b"<x/>" * 20_000, "nested too deeply"),
        (b"<p>a" * 210_000, "too many elements"),
    ],
)
def test_pages_that_cost_too_much(html: bytes, reason: str):
    with pytest.raises(NotAPage, match=reason):
        list(sections("a.html", b"<h1>A</h1>" + html))


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 3000 + "</div>" * 3000,
        "</div>" * 700 + "<div>" * 700 + "<b></i>" * 900 + "</b>" * 900,
        ("<div><p><span>a</span><br></div>" * 50 + "<ul><li>" * 9 + "</ul>") * 40,
    ],
)
def test_the_quick_bound_of_nesting_is_no_lower_than_what_it_bounds(source: str):
    assert nesting._most_nesting(source) >= nesting._nesting(source)


def test_large_drawings_cost_little():
    page = "<h1>A</h1><svg>" + "<path d='M0 0'/>" * 20_000 + "</svg><p>x"
    assert texts(page) == [("A", "x")]


def test_formulas_nested_beyond_reading_are_text():
    assert texts("<h1>A</h1><math>" + "<mrow>" * 3000 + "<mi>x</mi>")[0] == ("A", "x")
