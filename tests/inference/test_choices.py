"""Choices in every sequence of any tokenizer: which ids they become, and what probability they get."""

import math
from itertools import pairwise

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from humpback_exp.config import EngineConfig
from humpback_exp.data.tokenize import prompt_ids
from humpback_exp.inference.choices import tokenize_choices
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.modeling.load import load_model, load_tokenizer
from humpback_exp.prompts import TEMPLATES, forward
from tests.conftest import ROOT

CONVERSATIONS = [forward(text, []) for text in ("Hi", "Which of both, and why that one?", "No")]
DIGITS = ["1", "2", "3", "4", "5"]


def quiet(rows: int, tokens: int) -> None:
    pass


def wrapped(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>", chat_template=TEMPLATES["inst"]
    )


def byte_level(merges: list[str]) -> PreTrainedTokenizerFast:
    """Bytes, and the merges given, each two tokens with a space between."""
    pairs = [tuple(merge.split()) for merge in merges]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<s>", "</s>", *alphabet, *(a + b for a, b in pairs)])}
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return wrapped(tokenizer)


def sentencepiece() -> PreTrainedTokenizerFast:
    """Characters, a word's start marked by a piece of its own, as in Llama 2: " 4" is "▁", "4"."""
    letters = [chr(i) for i in range(33, 127)]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(["<s>", "</s>", "▁", *letters])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first", split=False)
    return wrapped(tokenizer)


def smollm2() -> PreTrainedTokenizerFast:
    folder = ROOT / "models" / "smollm2-135m"
    if not folder.is_dir():
        pytest.skip("make models makes it")
    return load_tokenizer(str(folder))


TOKENIZERS = {
    "byte by byte": lambda: byte_level([]),
    "merges a space and a digit": lambda: byte_level([f"Ġ {digit}" for digit in DIGITS]),
    "merges a colon and a digit": lambda: byte_level([f": {digit}" for digit in DIGITS]),
    "sentencepiece": sentencepiece,
    "smollm2": smollm2,
}


def written(
    tokenizer: PreTrainedTokenizerFast, choices: list[str], assistant_prefix: str
) -> tuple[list[str], list[list[str]]]:
    """Shared tokens and sequences, a sequence's tokens joined by a blank."""
    found = tokenize_choices(
        lambda text: tokenizer(text, add_special_tokens=False)["input_ids"], choices, assistant_prefix
    )
    name = tokenizer.convert_ids_to_tokens
    return name(found.shared), [[" ".join(name(ids)) for ids in sequences] for sequences in found.sequences]


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [
        ("byte by byte", (list("So:"), [["4", "Ġ 4"], ["5", "Ġ 5"]])),
        ("merges a space and a digit", (list("So:"), [["4", "Ġ4"], ["5", "Ġ5"]])),
        ("merges a colon and a digit", (list("So"), [[": Ġ 4", ":4"], [": Ġ 5", ":5"]])),
        ("sentencepiece", (list("▁So:"), [["▁ 4", "4"], ["▁ 5", "5"]])),
        ("smollm2", (["So", ":"], [["4", "Ġ 4"], ["5", "Ġ 5"]])),
    ],
)
def test_a_choice_is_tokenized_with_and_without_a_space(tokenizer: str, expected: object) -> None:
    shared, choices = written(TOKENIZERS[tokenizer](), ["4", "5"], "So:")
    assert (shared, [sorted(sequences) for sequences in choices]) == (
        expected[0],
        [sorted(sequences) for sequences in expected[1]],
    )


def test_a_digit_may_be_several_tokens() -> None:
    """A full-width digit is three bytes, of which two are the same for all."""
    shared, choices = written(byte_level([]), ["４", "５"], "")
    assert (shared, choices) == ([], [["ï ¼ Ķ", "Ġ ï ¼ Ķ"], ["ï ¼ ķ", "Ġ ï ¼ ķ"]])


def test_only_the_longest_beginnings_are_read() -> None:
    tokenizer = byte_level([])
    found = tokenize_choices(lambda text: tokenizer(text, add_special_tokens=False)["input_ids"], ["4", "5"], "")
    assert [tokenizer.convert_ids_to_tokens(path) for path in found.prefixes()] == [["Ġ"]]


def test_choices_the_tokenizer_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(ValueError, match=r"choices=\['a', 'b'\]: the tokenizer writes two of them alike"):
        tokenize_choices(lambda text: [len(text)], ["a", "b"], "")


@pytest.mark.parametrize("assistant_prefix", ["", "Score:"])
@pytest.mark.parametrize("choices", [DIGITS, ["４", "５"], ["9", "10"]], ids=["digits", "wide digits", "a longer one"])
@pytest.mark.parametrize(
    "name", ["byte by byte", "merges a space and a digit", "merges a colon and a digit", "smollm2"]
)
def test_a_choice_has_the_probability_of_all_its_sequences(
    name: str, choices: list[str], assistant_prefix: str, tmp_path
) -> None:
    """Against the library's forward on every sequence, row by row, token by token."""
    tokenizer = TOKENIZERS[name]()
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=64 + 32, initializer_range=0.3, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(shape).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    engine = TransformersEngine(EngineConfig(dtype="float32", batch_size=2), str(tmp_path), "model_path")
    model = load_model(str(tmp_path), "float32")
    found = tokenize_choices(
        lambda text: tokenizer(text, add_special_tokens=False)["input_ids"], choices, assistant_prefix
    )
    counted: list[int] = []
    weighed = engine.choose(CONVERSATIONS, choices, assistant_prefix, lambda rows, tokens: counted.append(rows))
    for conversation, probabilities in zip(CONVERSATIONS, weighed, strict=True):
        prompt = [*prompt_ids(tokenizer, conversation), *found.shared]
        expected = []
        for sequences in found.sequences:
            with torch.no_grad():
                logits = [model(torch.tensor([[*prompt, *ids]])).logits[0].log_softmax(-1) for ids in sequences]
            each = [
                sum(float(row[len(prompt) - 1 + k, token]) for k, token in enumerate(ids))
                for row, ids in zip(logits, sequences, strict=True)
            ]
            expected.append(sum(map(math.exp, each)))
        assert probabilities == pytest.approx(expected, rel=1e-4)
        assert 0 < sum(probabilities) < 1
    assert sum(counted) == len(CONVERSATIONS)
    assert any(a != b for row in weighed for a, b in pairwise(row))


def test_a_conversation_beyond_the_context_has_no_probabilities(tiny: str) -> None:
    engine = TransformersEngine(EngineConfig(dtype="float32", batch_size=2), tiny, "model_path")
    alone, long = engine.choose([CONVERSATIONS[0], forward("word " * 5000, [])], DIGITS, "Score:", quiet)
    assert all(0 < chance < 1 for chance in alone)
    assert all(map(math.isnan, long)) and len(long) == 5


def test_a_tokenizer_that_makes_the_space_a_token_is_asked_twice() -> None:
    tokens = tokenize_choices(lambda text: list(map(ord, text)), ["1", "2"], "S:")
    assert tokens.shared == (ord("S"), ord(":"))
    assert tokens.next_tokens() == {(): [ord("1"), ord("2"), ord(" ")], (ord(" "),): [ord("1"), ord("2")]}
    logprobs = {
        (): {ord("1"): math.log(0.1), ord("2"): math.log(0.2), ord(" "): math.log(0.5)},
        (ord(" "),): {ord("1"): math.log(0.6), ord("2"): math.log(0.3)},
    }
    assert tokens.from_logprobs(logprobs) == pytest.approx([0.1 + 0.5 * 0.6, 0.2 + 0.5 * 0.3])


def test_single_tokens_are_asked_once_and_a_longer_choice_token_by_token() -> None:
    vocabulary = {"S:1": [9, 1], "S: 1": [9, 11], "S:10": [9, 1, 0], "S: 10": [9, 11, 0]}
    tokens = tokenize_choices(vocabulary.__getitem__, ["1", "10"], "S:")
    assert tokens.next_tokens() == {(): [1, 11], (1,): [0], (11,): [0]}
    logprobs = {(): {1: math.log(0.25), 11: math.log(0.5)}, (1,): {0: math.log(0.5)}, (11,): {0: math.log(0.25)}}
    assert tokens.from_logprobs(logprobs) == pytest.approx([0.75, 0.25 * 0.5 + 0.5 * 0.25])
