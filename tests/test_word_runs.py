"""Words are the same whichever way they are found."""

import string

from humpback_exp.word_runs import WORD, words, words_as_written


def test_words_of_ascii_are_those_of_the_pattern():
    for mark in map(chr, range(128)):
        assert words_as_written(f"one{mark}two") == WORD.findall(f"one{mark}two")
    letters = string.ascii_letters + string.digits + "_"
    assert words_as_written(letters) == [letters]


def test_words_of_other_text_are_found_by_the_pattern():
    assert words("Don’t stop, naïve_1 Straße—ÜBER") == ("don", "t", "stop", "naïve_1", "straße", "über")
