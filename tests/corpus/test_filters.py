"""One crafted text a rule, and the reason."""

import pytest

from humpback_exp.config import CorpusConfig
from humpback_exp.corpus.filters import drop_reason
from humpback_exp.corpus.segments import Section

SENTENCES = (
    "A cast iron pan keeps its heat far longer than one of thin steel.",
    "Wash it by hand, without soap, and dry it at once over a low flame.",
    "Rub a little linseed oil into the warm surface until it shines.",
    "Never leave water standing in it, since rust begins within hours.",
    "When food sticks, heat some coarse salt and scrub with a cloth.",
    "Old pans from flea markets can be saved with patience and lye.",
    "The dark coat that forms with the years is what makes eggs slide.",
    "Sour sauces dissolve that coat, so cook tomatoes somewhere else.",
    "A glass lid helps you to watch the stew without losing steam.",
    "Store pans apart or with paper between them to spare the coat.",
)
PROSE = " ".join(SENTENCES)
CODE = "\n".join(f"INSERT INTO pans(id, mass) VALUES({n}, {n * 7}); -- row {n}" for n in range(12))
GERMAN = (
    "Eine gusseiserne Pfanne hält die Hitze viel länger als eine aus dünnem Blech. Man wäscht sie von Hand und trocknet "
    "sie gleich über kleiner Flamme. Ein wenig Leinöl, in die warme Oberfläche gerieben, schützt vor dem Rost. Wasser "
    "darf niemals darin stehen bleiben, denn schon nach Stunden beginnt sie zu rosten. Wenn etwas anbrennt, hilft grobes "
    "Salz, das man erhitzt und mit einem Tuch verreibt. Saure Soßen lösen die dunkle Schicht wieder auf, deshalb kocht "
    "man Tomaten besser woanders. Mit den Jahren gleitet jedes Ei von selbst heraus, und niemand will mehr tauschen. "
    "Wer zwei Pfannen besitzt, legt beim Verstauen am besten ein Papier dazwischen."
)


def reason(text: str = PROSE, header: str = "Care of pans", link_share: float = 0.0, **changes: object) -> str | None:
    section = Section(url="a.html", offset=0, heading_path=[header], header=header, text=text, link_share=link_share)
    return drop_reason(section, CorpusConfig(path="x", **changes))  # type: ignore[arg-type]


def test_a_good_section_is_kept():
    assert 600 <= len(PROSE) <= 3000
    assert reason() is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "header empty"),
        ("* * *", "header empty"),
        ("CARE OF PANS!", "header in capitals"),
        ("ÜBER 7 PFANNEN", "header in capitals"),
        ("2024-01-05", None),
        ("Care of iPANS", None),
        ("日本", None),
        ("Advertisement", "navigation header"),
        ("Our FORUMS", "navigation header"),
        ("Quick links", "navigation header"),
        ("Get the free newsletter now", "navigation header"),
        ("Conforum of pans", None),
    ],
)
def test_headers(header: str, expected: str | None):
    assert reason(header=header) == expected


def test_share_of_capitals_is_a_setting():
    assert reason(header="CARe") is None
    assert reason(header="CARe", max_capital_share=0.75) == "header in capitals"
    assert reason(header="CAre", max_capital_share=0.75) is None


@pytest.mark.parametrize(
    ("chars", "expected"), [(599, "too short"), (600, None), (3000, None), (3001, "too long"), (0, "too short")]
)
def test_length(chars: int, expected: str | None):
    numbered = " ".join(f"Pan {n} of {n * n} weighs about {n + 3} pounds and is {n * 31} years old." for n in range(99))
    assert reason(text=numbered[:chars], sentence_jaccard=1.0) == expected


def test_lists_of_links():
    assert reason(link_share=0.51) == "links"
    assert reason(link_share=0.5) is None


def test_repeated_sentences():
    assert reason(text=f"{PROSE} {SENTENCES[3]}") == "repeats itself"
    almost = SENTENCES[3].replace("hours", "a day or two")
    assert reason(text=f"{PROSE} {almost}") == "repeats itself"
    assert reason(text=f"{PROSE} {almost}", sentence_jaccard=0.9) is None
    far = SENTENCES[3].replace("standing in it", "in your dear old pans").replace("within hours", "early")
    assert reason(text=f"{PROSE} {far}") is None


def test_short_lines_may_repeat():
    text = PROSE + "\n\nSELECT * FROM pans WHERE id=1;\n\nMore.\n\nSELECT * FROM pans WHERE id=1;"
    assert reason(text=text) is None
    assert reason(text=text, sentence_min_words=4) == "repeats itself"


def test_language():
    assert reason(text=GERMAN) == "language"
    assert reason(text=GERMAN, languages=["en", "de"]) is None
    assert reason(text=GERMAN, languages=[]) is None
    assert reason(languages=["de"]) == "language"


def test_documentation_with_code_is_english():
    assert reason(text=f"{CODE}\n\n{PROSE[:260]}", sentence_min_words=99) is None
    assert reason(text=f"{CODE}\n\n{GERMAN[:260]}", sentence_min_words=99) == "language"


def test_the_cheapest_rule_answers_first():
    assert reason(text="kurz", header="FORUM", link_share=1.0) == "header in capitals"
    assert reason(text="kurz", header="Forum", link_share=1.0) == "navigation header"
    assert reason(text="kurz", link_share=1.0) == "too short"
