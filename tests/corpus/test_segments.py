"""Page -> sections: texts, heading paths, offsets and ids, written out."""

from pathlib import Path

import pytest

from humpback_exp.corpus.decoding import NotAPage
from humpback_exp.corpus.segments import Section, sections, segment_id

GUIDE = (Path(__file__).parent / "pages" / "guide.html").read_bytes()
CARE = """\
Two rules:
wash and dry.

- no steel wool
- oil
  - linseed
3. Heat
4. Cool

Rust

What helps

Cause | Cure
water | drying, oiling

scrub(pot)
    if a < b:  # keep

Patina
A dark coat."""


def cut(html: str | bytes, charset: str | None = None) -> list[Section]:
    return list(sections("page.html", html.encode() if isinstance(html, str) else html, charset))


def paths_and_texts(html: str | bytes, charset: str | None = None) -> list[tuple[list[str], str]]:
    return [(section.heading_path, section.text) for section in cut(html, charset)]


def test_a_whole_page():
    found = cut(GUIDE)
    top = "Pots & pans"
    assert [section.heading_path for section in found] == [
        [top],
        [top, "Care"],
        [top, "Care", "Rust"],
        [top, "Café pots"],
        [top, "Café pots"],
    ]
    assert [section.header for section in found] == [top, "Care", "Rust", "Café pots", ""]
    assert found[1].text == CARE
    assert found[2].text == CARE[CARE.index("What helps") :]
    assert found[3].text == "Small ones.\n\nUnder an empty header."
    assert found[4].text == "Under an empty header."
    assert found[0].text == f"Choose a pot by its base.\n\nCare\n\n{CARE}\n\nCafé pots\n\n{found[3].text}"


def test_offsets_point_at_the_header_tags():
    starts = [GUIDE[section.offset :][:3] for section in cut(GUIDE)]
    assert starts == [b"<h1", b"<h2", b"<h4", b"<h2", b"<h3"]
    assert [section.offset for section in cut("é<h2>A</h2>b<H3 id=x>C</H3>d")] == [2, 13]


def test_ids_are_the_same_everywhere():
    assert segment_id("c3ref/open.html", 3567) == "b8264d7b87857d11"
    section = cut("<p>a<h2>B</h2>c")[0]
    assert section.segment().id == segment_id("page.html", 4)
    assert segment_id("a", 11) != segment_id("a", 1) != segment_id("a1", 1)


def test_levels_may_be_skipped_and_come_back():
    html = "<h1>A</h1>a<h4>B</h4>b<h2>C</h2>c<h3>D</h3>d<h1>E</h1>e"
    assert paths_and_texts(html) == [
        (["A"], "a\n\nB\n\nb\n\nC\n\nc\n\nD\n\nd"),
        (["A", "B"], "b"),
        (["A", "C"], "c\n\nD\n\nd"),
        (["A", "C", "D"], "d"),
        (["E"], "e"),
    ]


def test_a_section_ends_with_its_article():
    html = "<main><h1>T</h1>x<article><h2>A</h2>y</article>after</main><div>outside</div><h2>C</h2>z"
    assert paths_and_texts(html) == [(["T"], "x\n\nA\n\ny\n\nafter"), (["T", "A"], "y"), (["C"], "z")]


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("<h2>A <code>b</code><br>c</h2>", "A b c"),
        ("<h2><a href='#a'>#</a> A</h2>", "A"),
        ("<h2>A<a href='#a'> § </a></h2>", "A"),
        ("<h2>A ¶</h2>", "A"),
        ("<h2>C#</h2>", "C#"),
        ("<h2>A <span class='mw-editsection'>[edit]</span></h2>", "A"),
        ("<div><a href=x><h2>A</h2></a></div>", "A"),
        ("<table><tr><td><h2>A</h2></td></tr></table>", "A"),
        ("<h2 id=related title='<h3>'>A</h2>", "A"),
        ("<h2><img src=a.png></h2>", ""),
        ("<h2>A &lt;b&gt; &amp;amp;</h2>", "A <b> &amp;"),
    ],
)
def test_headers(header: str, text: str):
    assert [section.header for section in cut(header + "x")] == [text]


@pytest.mark.parametrize(
    "html",
    [
        "<nav><h2>A</h2></nav>",
        "<footer><div><h2>A</h2></div></footer>",
        "<aside><aside></aside><h2>A</h2></aside>",
        "<form><h2>A</h2></form>",
        "<noscript><h2>A</h2></noscript>",
        "<template><h2>A</h2></template>",
        "<style>/* <h2>A</h2> */</style>",
        "<script>'<h2>A</h2>'</script>",
        "<textarea><h2>A</h2></textarea>",
        "<!-- <h2>A</h2> -->",
        "<div class='big menu'><h2>A</h2></div>",
        "<div role=navigation><h2>A</h2></div>",
        "<ul id=toc><li><h2>A</h2></ul>",
        "<div hidden><div></div><h2>A</h2></div>",
        "<b style='display:none'><h2>A</h2></b>",
        "<h2 aria-hidden=true>A</h2>",
    ],
)
def test_headers_that_are_no_part_of_the_text(html: str):
    assert paths_and_texts(f"<h1>T</h1>before{html}<p>after") == [(["T"], "before\n\nafter")]


def test_broken_html():
    html = "<p>a <h1>A</h2><p>b<div>c<h2>B</h2>d <b>e<i>f</b>g</i><li>h<td>i"
    assert paths_and_texts(html) == [(["A"], "b\n\nc\n\nB\n\nd efg\n\n- hi"), (["A", "B"], "d efg\n\n- hi")]


def test_tables_that_place_text_are_no_rows():
    layout = "<h1>T</h1><table><tr><td><ul><li>a</ul></td><td><p>b</p><p>c</p></td></tr></table>"
    assert paths_and_texts(layout) == [(["T"], "- a\n\nb\n\nc")]


def test_link_share_and_closing_pointers():
    html = "<h1>T</h1><p><a href=a>12345</a>67890</p><p>Text.</p><p>See <a href=x>all the pages</a></p>"
    (section,) = cut(html)
    assert section.text == "1234567890\n\nText."
    assert section.link_share == 5 / 17
    (anchor,) = cut("<h1>T</h1><a name=x>12345</a>")
    assert (anchor.text, anchor.link_share) == ("12345", 0)


@pytest.mark.parametrize(
    ("html", "charset"),
    [
        ("<meta charset=utf-8><h2>Café</h2>naïve".encode("latin-1"), None),
        ("<meta charset=latin-1><h2>Café</h2>naïve".encode(), "utf-8"),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252"><h2>Café</h2>naïve'.encode(
                "cp1252"
            ),
            None,
        ),
        ("<h2>Café</h2>naïve".encode(), None),
        ("<h2>Café</h2>naïve".encode("utf-16"), "latin-1"),
        ("<h2>Café</h2>naïve".encode("utf-16-be"), None),
        (b"\xef\xbb\xbf" + "<meta charset=latin-1><h2>Café</h2>naïve".encode(), None),
        ("<h2>Café</h2>naïve".encode("latin-1"), "no-such-encoding"),
        ("<h2>Café</h2>naïve".encode("cp1254"), "windows-1254"),
    ],
)
def test_encodings(html: bytes, charset: str | None):
    assert paths_and_texts(html, charset) == [(["Café"], "naïve")]


def test_offsets_in_utf_16_count_bytes():
    html = "😀<h2>A</h2>é<h2>B</h2>".encode("utf-16")
    assert [html[section.offset :][:6] for section in cut(html)] == ["<h2".encode("utf-16-le")] * 2


def test_one_bad_byte_does_not_change_the_encoding():
    html = "<h2>Ünïcödé</h2>".encode() + b"\xff" + "äöüßéèêëàáâãåæçìíîïñòóôõø".encode()
    assert paths_and_texts(html)[0][0] == ["Ünïcödé"]


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        (b"", "empty page"),
        (b" \n\t", "empty page"),
        ("\ufeff \n".encode("utf-16-le"), "empty page"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR<\x00\x00\x00\x00\x01", "not html"),
        (b"just words", "not html"),
        (b"\xff\xfe" + b"<\xd8" * 50, "undecodable"),
    ],
)
def test_pages_that_are_none(html: bytes, reason: str):
    with pytest.raises(NotAPage, match=reason):
        cut(html)
