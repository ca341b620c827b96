"""Why a section is not kept: one rule a function, cheapest first. The first reason found is the reason.

The paper's own rules (section 2) are length, header and repetition; `links` and `language` stand in for what its
corpus, the English part of ClueWeb22, had already been through.
"""

import re
from collections import Counter
from collections.abc import Callable

from humpback_exp import reasons
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus.segments import Section

PLAIN_WORD = re.compile(r"(?<!\S)[^\W\d_A-Z]+(?=[\s,.;:]|$)")
WORD = re.compile(r"\w+")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n+")
LANGUAGE_CHARS = 1500
"""As much of a text as is looked at for its language."""
PROSE_CHARS = 200
"""Less prose than this does not tell a language; the whole text is looked at then."""


def drop_reason(section: Section, config: CorpusConfig) -> str | None:
    """The reason of the first rule that a section fails."""
    for rule in RULES:
        reason = rule(section, config)
        if reason:
            return reason
    return None


def empty_header(section: Section, config: CorpusConfig) -> str | None:
    """No word in the header; a lone mark or image is none."""
    return None if WORD.search(section.header) else reasons.EMPTY_HEADER


def capital_header(section: Section, config: CorpusConfig) -> str | None:
    """A header all in capitals (v3 of the paper), or with a large share of them (v1)."""
    cased = [character for character in section.header if character.lower() != character.upper()]
    if cased and sum(map(str.isupper, cased)) >= config.max_capital_share * len(cased):
        return reasons.CAPITAL_HEADER
    return None


def navigation_header(section: Section, config: CorpusConfig) -> str | None:
    """A header with one of the stop words, which must begin where a word begins."""
    header = section.header.lower()
    if any(re.search(rf"\b{re.escape(stop.lower())}", header) for stop in config.stop_headers):
        return reasons.NAVIGATION_HEADER
    return None


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
    grams = [_ngrams(sentence, config) for sentence in SENTENCE_END.split(section.text)]
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
    words = WORD.findall(sentence.lower())
    if len(words) < config.sentence_min_words:
        return set()
    n = config.sentence_ngram
    return {tuple(words[start : start + n]) for start in range(len(words) - n + 1)}


def language(section: Section, config: CorpusConfig) -> str | None:
    """None of the languages wanted, in the view of both detectors.

    Resiliparse's takes 0.01 ms, but is wrong on 3 % of English pages and on text full of code; py3langid takes 2 ms and
    is asked only where the fast one does not say what is wanted. Then, of a text with enough prose, only that counts.
    """
    from resiliparse.parse.lang import detect_fast

    if not config.languages or detect_fast(section.text[:LANGUAGE_CHARS])[0] in config.languages:
        return None
    prose = _prose(section.text)
    if detect_fast(prose)[0] in config.languages:
        return None
    return None if _careful_language(prose) in config.languages else reasons.LANGUAGE


def _careful_language(text: str) -> str:
    import py3langid

    return str(py3langid.classify(text)[0])


def _prose(text: str) -> str:
    """The lines that read like sentences, where they are enough to go by; else everything. Code has no language."""
    lines = [line for line in text.splitlines() if len(PLAIN_WORD.findall(line)) > 5]
    prose = "\n".join(lines)
    return (prose if len(prose) >= PROSE_CHARS else text)[:LANGUAGE_CHARS]


RULES: tuple[Callable[[Section, CorpusConfig], str | None], ...] = (
    empty_header,
    capital_header,
    navigation_header,
    length,
    links,
    repetition,
    language,
)
