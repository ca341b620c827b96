"""Whether a text is in one of the languages wanted. Called by filters."""

import re
from collections.abc import Iterator
from itertools import islice

from resiliparse.parse.lang import detect_fast

from humpback_exp.word_runs import UNSPACED

PLAIN_WORD = re.compile(r"(?<!\S)[^\W\d_A-Z]+(?=[\s,.;:]|$)")
UNSPACED_LINE = re.compile(f"[{UNSPACED}]{{6}}")
"""Scripts that are written without spaces have no words to count."""
PLAIN_WORDS = 6
"""A line with so many reads like a sentence."""
PIECE_CHARS = 500
"""The language is looked at in pieces of this size, so that a text in two is found."""
FOREIGN_SHARE = 1 / 3
PROSE_CHARS = 200
"""Less prose than this does not tell a language; the whole text is looked at then."""


def is_foreign(text: str, languages: list[str]) -> bool:
    """Whether more than a third of a text is in none of the languages (ISO 639-1), in the view of both detectors.

    Resiliparse's takes 0.01 ms, but is wrong on 3 % of English pages and on text full of code; py3langid takes 2 ms and
    is asked only where the fast one does not say what is wanted. Then, of a piece with enough prose, only that counts.
    """
    prose = _prose(text)
    if not (detect_fast(text)[0] in languages or _is_wanted(prose, languages)):
        return True
    bound = FOREIGN_SHARE * len(text)
    foreign = [piece for piece in _pieces(prose) if detect_fast(piece)[0] not in languages]
    if sum(map(len, foreign)) > bound:
        foreign = [piece for piece in foreign if _careful_language(piece) not in languages]
    return sum(map(len, foreign)) > bound


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
    prose = "\n".join(filter(_reads_like_a_sentence, text.splitlines()))
    return prose if len(prose) >= PROSE_CHARS else text


def _reads_like_a_sentence(line: str) -> bool:
    """Looks no further than needed."""
    if next(islice(PLAIN_WORD.finditer(line), PLAIN_WORDS - 1, None), None) is not None:
        return True
    return not line.isascii() and UNSPACED_LINE.search(line) is not None
