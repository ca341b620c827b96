"""Why a section is not kept: one rule a function, cheapest first. The first reason found is the reason.

The paper's own rules (section 2) are length, header and repetition; `links` and `language` stand in for what its
corpus, the English part of ClueWeb22, had already been through.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from resiliparse.parse.lang import detect_fast

from humpback_exp import reasons
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus.boxes import is_stop
from humpback_exp.corpus.segments import Section

PLAIN_WORD = re.compile(r"(?<!\S)[^\W\d_A-Z]+(?=[\s,.;:]|$)")
PLAIN_WORDS = 6
"""A line with so many reads like a sentence."""
WORD = re.compile(r"\w+")
SENTENCE_END = re.compile(r"[.!?\n](?:(?<=\n)\n*|[\"')\]]*\s+)")
"""Begins with a class of characters, since that is what the search for a pattern is fast by."""
PIECE_CHARS = 500
"""The language is looked at in pieces of this size, so that a text in two is found."""
FOREIGN_SHARE = 1 / 3
PLACEHOLDER_WORDS = ("lorem", "consectetur")
PLACEHOLDER = re.compile(r"\b(?:lorem ipsum\b|consectetur adipisci)")
PROSE_CHARS = 200
"""Less prose than this does not tell a language; the whole text is looked at then."""


def drop_reason(section: Section, config: CorpusConfig) -> str | None:
    """The reason of the first rule that a section fails."""
    for rule in RULES:
        reason = rule(section, config)
        if reason:
            return reason
    return None


def lost_header(section: Section, config: CorpusConfig) -> str | None:
    """The header stands in furniture, or names a box."""
    return section.lost or None


def empty_header(section: Section, config: CorpusConfig) -> str | None:
    """No word in the header; a lone mark or image is none."""
    return None if WORD.search(section.header) else reasons.EMPTY_HEADER


def capital_header(section: Section, config: CorpusConfig) -> str | None:
    """A header all in capitals (v3 of the paper), or with a large share of them (v1)."""
    cased = [character for character in section.header if character.lower() != character.upper()]
    if config.capital_words and is_capital_word(section.header):
        return None
    if cased and sum(map(str.isupper, cased)) >= config.max_capital_share * len(cased):
        return reasons.CAPITAL_HEADER
    return None


def is_capital_word(header: str) -> bool:
    """One word all in capitals: an acronym, or a section of a manual page."""
    return len(header.split()) == 1 and header.isupper()


def navigation_header(section: Section, config: CorpusConfig) -> str | None:
    """A header with one of the stop words; of the ambiguous ones only where nothing else is said."""
    return reasons.NAVIGATION_HEADER if is_stop(section.header, config.stop_headers) else None


def length(section: Section, config: CorpusConfig) -> str | None:
    """Characters of the text."""
    if len(section.text) < config.min_chars:
        return reasons.TOO_SHORT
    return reasons.TOO_LONG if len(section.text) > config.max_chars else None


def links(section: Section, config: CorpusConfig) -> str | None:
    """A list of links: a table of contents, an index, related pages."""
    return reasons.LINKS if section.link_share > config.max_link_share else None


def repetition(section: Section, config: CorpusConfig) -> str | None:
    """Two sentences more alike in their word n-grams than allowed, told by what they share rather than pair by pair."""
    sentences = SENTENCE_END.split(section.text.lower())
    grams = [own for sentence in sentences if (own := _ngrams(sentence, config))]
    # Two sentences alike share at least this many n-grams, and all that are shared stand once too often.
    needed = 2 * config.sentence_jaccard / (1 + config.sentence_jaccard) * min(map(len, grams), default=0)
    if sum(map(len, grams)) - len(set().union(*grams)) <= needed:
        return None
    seen: dict[tuple[str, ...], list[int]] = {}
    for number, own in enumerate(grams):
        shared = Counter(other for gram in own for other in seen.get(gram, ()))
        for other, common in shared.items():
            if common > config.sentence_jaccard * (len(own) + len(grams[other]) - common):
                return reasons.REPEATS
        for gram in own:
            seen.setdefault(gram, []).append(number)
    return None


def _ngrams(sentence: str, config: CorpusConfig) -> set[tuple[str, ...]]:
    if len(sentence) < 2 * config.sentence_min_words - 1:
        return set()
    words = WORD.findall(sentence)
    if len(words) < config.sentence_min_words:
        return set()
    return set(zip(*(words[at:] for at in range(config.sentence_ngram)), strict=False))


def placeholder(section: Section, config: CorpusConfig) -> str | None:
    """Text that stands in for one to come."""
    text = section.text.lower()
    found = any(word in text for word in PLACEHOLDER_WORDS) and PLACEHOLDER.search(text)
    return reasons.PLACEHOLDER if found else None


def language(section: Section, config: CorpusConfig) -> str | None:
    """More than a third of the text in none of the languages wanted, in the view of both detectors.

    Resiliparse's takes 0.01 ms, but is wrong on 3 % of English pages and on text full of code; py3langid takes 2 ms and
    is asked only where the fast one does not say what is wanted. Then, of a piece with enough prose, only that counts.
    """
    if not config.languages:
        return None
    prose = _prose(section.text)
    if not (detect_fast(section.text)[0] in config.languages or _is_wanted(prose, config.languages)):
        return reasons.LANGUAGE
    bound = FOREIGN_SHARE * len(section.text)
    foreign = [piece for piece in _pieces(prose) if detect_fast(piece)[0] not in config.languages]
    if sum(map(len, foreign)) > bound:
        foreign = [piece for piece in foreign if _careful_language(piece) not in config.languages]
    return reasons.LANGUAGE if sum(map(len, foreign)) > bound else None


def _pieces(text: str) -> Iterator[str]:
    """Whole lines, of about PIECE_CHARS together; a rest too short to tell is left out."""
    piece = ""
    for line in text.split("\n"):
        piece += f"{line}\n"
        if len(piece) >= PIECE_CHARS:
            yield piece
            piece = ""
    if len(piece) >= PROSE_CHARS:
        yield piece


def _is_wanted(text: str, languages: list[str]) -> bool:
    return detect_fast(text)[0] in languages or _careful_language(text) in languages


def _careful_language(text: str) -> str:
    import py3langid

    return str(py3langid.classify(text)[0])


def _prose(text: str) -> str:
    """The lines that read like sentences, where they are enough to go by; else everything. Code has no language."""
    lines = [line for line in text.splitlines() if len(PLAIN_WORD.findall(line)) >= PLAIN_WORDS]
    prose = "\n".join(lines)
    return prose if len(prose) >= PROSE_CHARS else text


RULES: tuple[Callable[[Section, CorpusConfig], str | None], ...] = (
    lost_header,
    empty_header,
    capital_header,
    navigation_header,
    length,
    links,
    placeholder,
    repetition,
    language,
)
