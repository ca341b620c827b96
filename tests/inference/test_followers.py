"""Spellings asked for token by token: what is asked, and that a choice is the sum over its spellings."""

import math

import pytest

from humpback_exp.inference.choices import spell
from humpback_exp.inference.followers import followers, weighed


def test_a_tokenizer_that_makes_the_space_a_token_is_asked_twice() -> None:
    spelled = spell(lambda text: list(map(ord, text)), ["1", "2"], "S:")
    assert spelled.shared == (ord("S"), ord(":"))
    assert followers(spelled) == {(): [ord("1"), ord("2"), ord(" ")], (ord(" "),): [ord("1"), ord("2")]}
    told = {
        (): {ord("1"): math.log(0.1), ord("2"): math.log(0.2), ord(" "): math.log(0.5)},
        (ord(" "),): {ord("1"): math.log(0.6), ord("2"): math.log(0.3)},
    }
    assert weighed(spelled, told) == pytest.approx([0.1 + 0.5 * 0.6, 0.2 + 0.5 * 0.3])


def test_single_tokens_are_asked_once_and_a_longer_choice_token_by_token() -> None:
    vocabulary = {"S:1": [9, 1], "S: 1": [9, 11], "S:10": [9, 1, 0], "S: 10": [9, 11, 0]}
    spelled = spell(vocabulary.__getitem__, ["1", "10"], "S:")
    assert followers(spelled) == {(): [1, 11], (1,): [0], (11,): [0]}
    told = {(): {1: math.log(0.25), 11: math.log(0.5)}, (1,): {0: math.log(0.5)}, (11,): {0: math.log(0.25)}}
    assert weighed(spelled, told) == pytest.approx([0.75, 0.25 * 0.5 + 0.5 * 0.25])
