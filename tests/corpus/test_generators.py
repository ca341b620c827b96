"""What generators of sites and authors' tools put around a text, in small: exact segments, and why the rest is dropped."""

import pytest

from humpback_exp.corpus.languages import is_foreign
from humpback_exp.corpus.segments import cut

PROSE = (
    "Cold water keeps the beans firm, while hot water makes them soft. A lid that fits must be dry before you close it."
)


def texts(html: str) -> list[tuple[str, str]]:
    found = cut("a.html", html.encode())
    return [(section.header, section.text) for section in found if not section.lost]


def lost(html: str) -> list[tuple[str, str]]:
    return [(section.header, section.lost) for section in cut("a.html", html.encode()) if section.lost]


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("Struct Jar<button title='Copy'>Copy item path</button>", "Struct Jar"),
        ("API <button>Copy link</button>", "API"),
        ("<button>How do I close it?<svg></svg></button>", "How do I close it?"),
        ("<button>Share and enjoy</button>", "Share and enjoy"),
        ("Jars <a class=permalink href='#jars'>link</a>", "Jars"),
        ("Jars (<a href='/edit?s=1'>edit</a>)", "Jars"),
        ("<a href='#x'>🔗\ufe0e</a> Jars <a href='#top'>↑</a>", "Jars"),
        ("Jars [source]", "Jars"),
        ("open()", "open()"),
        ("The vector v[i]", "The vector v[i]"),
        ("<a href='#link'>Link</a>", "Link"),
        ("Every <a href='x'>link</a> holds", "Every link holds"),
        ("The <a href='#link'>link</a> element", "The link element"),
    ],
)
def test_what_stands_beside_the_words_of_a_header(header: str, text: str):
    assert [name for name, _ in texts(f"<h2>{header}</h2><p>x</p>")] == [text]


@pytest.mark.parametrize(
    "line",
    [
        "<div>anna » Mon May 03, 2021 10:15 am</div>",
        "<div>asked <span>May 3, 2021 at 10:15</span></div>",
        "<div><span>Submitted by</span> anna on Mon, 05/03/2021 - 10:15</div>",
        "<div>Viewed 12k times</div>",
        "<div>3 Likes</div>",
        "<div>4.8 from 32 votes</div>",
        "<p>Reporting by Anna Smith; Editing by Carl Jones</p>",
        "<p>Photo by Anna Smith on Unsplash</p>",
        "<p>This post may contain affiliate links. Please read our disclosure.</p>",
        "<div><a href='#r'>Jump to Recipe</a> <a href=p>Print Recipe</a></div>",
        "<p>Table of Contents</p>",
        "<p>. . .</p>",
        "<p>* * *</p>",
        "<div>💡</div>",
        "<p>Last updated: 3 May 1999 by Bob</p>",
        "<div role=note class=hatnote>For other uses, see <a href=x>Jar (file)</a>.</div>",
        "<ul role=tablist><li role=tab>npm<li role=tab>Yarn</ul>",
        "<amp-ad type=x><div fallback>Ad failed</div></amp-ad>",
        "<cookie-banner><p>We use cookies.</p></cookie-banner>",
        "<div id=onetrust-banner-sdk><p>Your choices</p></div>",
        "<div class=gem-c-cookie-banner><p>Accept them</p></div>",
        "<span epub:type=pagebreak title=33>33</span>",
    ],
)
def test_furniture_of_generators_stands_nowhere_in_a_text(line: str):
    assert texts(f"<h1>Jars</h1>{line}<p>{PROSE}</p>{line}<p>{PROSE}</p>") == [("Jars", f"{PROSE}\n\n{PROSE}")]


@pytest.mark.parametrize(
    "line",
    [
        "Carl opened the jar on May 3, 2021 at 10:15 and it was empty.",
        "Sorting by weight is slower.",
        "Active listening takes practice.",
        "Viewed from space, Earth is blue.",
        "Asked twice in 1999, he said nothing.",
        "The battle began on 6 June 1944 at 06:30.",
        "Print the answer.",
        "{",
        "**",
        "'%'",
        "Links of affiliate sites are one line of the table.",
        "Edit this setting with care: 4 stars out of 5 is the rule.",
    ],
)
def test_text_that_looks_like_such_lines_stays(line: str):
    assert texts(f"<h1>Jars</h1><p>{line}</p><p>{PROSE}</p>") == [("Jars", f"{line}\n\n{PROSE}")]


def test_marks_of_notes_leave_no_brackets():
    note = "<a href='#n1'>1</a>"
    assert texts(f"<h2>T</h2><p>It broke [{note}, {note}]. A list [] is ({note}) empty {note}.") == [
        ("T", "It broke. A list [] is empty.")
    ]


def test_what_is_hidden_from_screen_readers_is_seen_beside_what_they_read():
    units = "<span class=sr-only>minutes</span><span aria-hidden=true>mins</span>"
    assert texts(f"<h2>T</h2><p>Bake 20 {units}<span aria-hidden=true> *</span></p>") == [("T", "Bake 20 mins")]


def test_lines_of_a_paragraph_that_close_the_page_fall_alone():
    closing = "<br>This page is best viewed with Netscape<br>Last updated: 3 May 1999"
    assert texts(f"<h2>T</h2><p>{PROSE}<br>Yours, Bob{closing}</p>") == [("T", f"{PROSE}\nYours, Bob")]
    assert texts(f"<h2>T</h2><p>{PROSE}</p><p><a href=p>Prev</a> | <a href=n>Next</a></p><p>{closing}</p>") == [
        ("T", PROSE)
    ]


def test_a_header_with_nothing_below_ends_no_text_around_it():
    assert texts(f"<h1>A</h1><p>{PROSE}</p><h2>B</h2><h1>C</h1>") == [("A", PROSE), ("B", ""), ("C", "")]
    assert texts(f"<h1>A</h1><h2>B</h2><h3>C</h3><p>{PROSE}</p>")[0] == ("A", f"B\n\nC\n\n{PROSE}")


def test_a_list_of_the_pages_headers_is_its_table_of_contents():
    items = "".join(f"<li><a href='#{name}'>{name}</a></li>" for name in ("One", "Two", "Three"))
    rest = "".join(f"<h2>{name}</h2><p>x</p>" for name in ("One", "Two", "Three"))
    assert texts(f"<h1>T</h1><ul>{items}</ul><p>{PROSE}</p>{rest}")[0][1].startswith(PROSE)
    announced = f"<p>These are the kinds of jars:</p><ul>{items}</ul>"
    assert texts(f"<h1>T</h1>{announced}<p>{PROSE}</p>{rest}")[0][1].startswith("These are the kinds of jars:\n\n- One")
    labelled = announced.replace("These are the kinds of jars:", "In this article:")
    assert texts(f"<h1>T</h1>{labelled}<p>{PROSE}</p>{rest}")[0][1].startswith(PROSE)
    plain = items.replace("<a ", "<b ").replace("</a>", "</b>")
    assert texts(f"<h1>T</h1><ul>{plain}</ul><p>{PROSE}</p>{rest}")[0][1].startswith("- One\n- Two\n- Three")


def test_a_definition_with_a_link_is_no_pointer_and_one_that_falls_takes_its_term():
    page = "<h3>f</h3><p>Opens it.</p><dl><dt>Throws:<dd><a href=x>JammedException</a> - if it is stuck</dl><h3>g</h3>"
    assert texts(page)[0] == ("f", "Opens it.\n\nThrows:\nJammedException - if it is stuck")
    assert texts(page.replace(" - if it is stuck", ""))[0] == ("f", "Opens it.")
    plain = "<h3>f</h3><p>Opens it.</p><dl><dt>-t<dd>Powered by steam, it runs.</dl>"
    assert texts(plain)[0] == ("f", "Opens it.\n\n-t\nPowered by steam, it runs.")


def test_a_numbered_section_is_named_after_its_header():
    section = f"<section id=comments><h2>2.1.3. Comments</h2><p>{PROSE}</p></section>"
    assert texts(f"<h1>T</h1><p>{PROSE * 9}</p>{section}")[1] == ("2.1.3. Comments", PROSE)
    assert lost(f"<h1>T</h1><p>{PROSE * 9}</p>{section.replace('Comments<', 'What you said<')}") == [
        ("2.1.3. What you said", "furniture: id comments")
    ]


@pytest.mark.parametrize("header", ["Customer Reviews", "Discussion (14)", "Add new comment"])
def test_what_readers_wrote_goes_with_its_header(header: str):
    page = f"<h1>Jars</h1><p>{PROSE}</p><h2>{header}</h2><h3>carl_77</h3><p>{PROSE}</p>"
    assert texts(page) == [("Jars", PROSE)]
    assert lost(page) == [(header, "comments")]


def test_many_marks_of_notes_cost_no_search():
    marks = "<a href='#fn1' class='footnote-ref'>1</a>" * 20_000
    assert texts(f"<h1>T</h1><p>[{marks}x {PROSE}</p>") == [("T", f"[x {PROSE}")]


def test_scripts_without_spaces_count_as_text():
    japanese = "タイヤを外してから、チューブを水に入れて穴を探します。" * 20
    assert is_foreign(f"{japanese}\n\n{PROSE * 6}", ["en"])
    assert not is_foreign(f"自転車の直し方 means mending.\n\n{PROSE * 6}", ["en"])


def test_apostrophes_among_words_cost_no_search():
    """A line that may be split into words in many ways would be searched for minutes."""
    line = "By'a''aa'''aByBy'" * 11
    assert texts(f"<h2>T</h2><p>{line}</p>") == [("T", line)]
