"""Why a section is not kept: one rule a function, cheapest first. The first reason found is the reason.

The paper's own rules (section 2) are length, header and repetition; `links` and `language` stand in for what its
corpus, the English part of ClueWeb22, had already been through.
"""

import re
from collections import Counter
from collections.abc import Callable

from humpback_exp import reasons
from humpback_exp.config import CorpusConfig
from humpback_exp.corpus.boxes import is_stop
from humpback_exp.corpus.languages import is_foreign
from humpback_exp.corpus.segments import Section
from humpback_exp.word_runs import words_as_written

WORD = re.compile(r"\w+")
SENTENCE_END = re.compile(r"[.!?\n](?:(?<=\n)\n*|[\"')\]]*\s+)")
"""Begins with a class of characters, since that is what the search for a pattern is fast by."""
PLACEHOLDER_WORDS = ("lorem", "consectetur")
PLACEHOLDER = re.compile(r"\b(?:lorem ipsum\b|consectetur adipisci)")


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
    words = words_as_written(sentence)
    if len(words) < config.sentence_min_words:
        return set()
    return set(zip(*(words[at:] for at in range(config.sentence_ngram)), strict=False))


def placeholder(section: Section, config: CorpusConfig) -> str | None:
    """Text that stands in for one to come."""
    text = section.text.lower()
    found = any(word in text for word in PLACEHOLDER_WORDS) and PLACEHOLDER.search(text)
    return reasons.PLACEHOLDER if found else None


def language(section: Section, config: CorpusConfig) -> str | None:
    """More than a third of the text in none of the languages wanted."""
    foreign = config.languages and is_foreign(section.text, config.languages)
    return reasons.LANGUAGE if foreign else None


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
