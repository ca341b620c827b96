"""Ids and labels as integers. A masking bug leaves the loss looking healthy; only these tests see it."""

from copy import deepcopy

import pytest
import torch

from humpback_exp.config import DataConfig
from humpback_exp.data.loader import StepBatches, collate, concatenate
from humpback_exp.data.tokenize import IGNORED, Tokens, encode_fitting, prompt_ids, sides
from humpback_exp.prompts import BACKWARD, forward
from humpback_exp.records import Example

SEED = Example(id="s", source="seed", instruction="Hi", output="Yo!")
WEB = Example(id="w", source="web", instruction="Hi", output="Yo!")
# byte-level ids: <s> 0, </s> 1, "!" 2 ... "~" 95, and the space 222
INST = [0, 60, 42, 47, 52, 53, 62, 222]  # "<s>[INST] "
END = [222, 60, 16, 42, 47, 52, 53, 62]  # " [/INST]"
HI, YO = [41, 74], [58, 80, 2]


def ids_and_labels(tokenizer, example: Example, **settings: object) -> tuple[list[int], list[int]]:
    tokens, _ = encode_fitting(tokenizer, example, DataConfig(**settings))  # type: ignore[arg-type]
    return tokens.ids, tokens.labels


def test_forward_untagged(byte_tokenizer) -> None:
    ids, labels = ids_and_labels(byte_tokenizer, SEED, tagged=False)
    assert ids == [*INST, *HI, *END, *YO, 1]
    assert labels == [IGNORED] * 18 + [58, 80, 2, 1]


@pytest.mark.parametrize(
    ("example", "tag"),
    [(SEED, "Answer in the style of an AI Assistant."), (WEB, "Answer with knowledge from web search.")],
)
def test_forward_tagged_by_source(byte_tokenizer, example: Example, tag: str) -> None:
    ids, labels = ids_and_labels(byte_tokenizer, example)
    sentence = byte_tokenizer(" " + tag, add_special_tokens=False)["input_ids"]
    assert ids == [*INST, *HI, *sentence, *END, *YO, 1]
    assert labels == [IGNORED] * (18 + len(tag) + 1) + [58, 80, 2, 1]


def test_backward_is_forward_with_the_sides_swapped(byte_tokenizer) -> None:
    ids, labels = ids_and_labels(byte_tokenizer, SEED, direction="backward", tagged=False)
    prompt, target = sides(SEED, DataConfig(direction="backward", tagged=False))
    assert target == "Hi"
    assert ids == [*prompt_ids(byte_tokenizer, prompt), *HI, 1]
    assert labels == [IGNORED] * (len(ids) - 3) + [41, 74, 1]


def test_the_backward_tag_is_the_seeds_for_both_sources() -> None:
    config = DataConfig(direction="backward")
    assert sides(SEED, config) == sides(WEB, config)


def test_a_curated_pair_teaches_the_backward_model_its_instruction(byte_tokenizer) -> None:
    """As augmentation will ask: the web text in the prompt, under the seed's tag; labels on the instruction only."""
    ids, labels = ids_and_labels(byte_tokenizer, WEB, direction="backward")
    asked = BACKWARD.replace("{output}", "Yo!")
    text = f"<s>[INST] {asked} Answer in the style of an AI Assistant. [/INST]Hi</s>"
    assert byte_tokenizer.decode(ids) == text
    assert labels == [IGNORED] * (len(ids) - 3) + [*HI, 1]


@pytest.mark.parametrize(
    ("overlong", "target", "outcome"),
    [("drop", [58, 80, 2, 1], "too long"), ("right", [58, 80, 1], "cut"), ("left", [80, 2, 1], "cut")],
)
def test_overlong_examples(byte_tokenizer, overlong: str, target: list[int], outcome: str) -> None:
    config = DataConfig(tagged=False, max_length=21, overlong=overlong)
    tokens, became = encode_fitting(byte_tokenizer, SEED, config)
    assert (tokens.ids, became) == ([*INST, *HI, *END, *target], outcome)


def test_an_example_that_fits_is_left_alone(byte_tokenizer) -> None:
    assert encode_fitting(byte_tokenizer, SEED, DataConfig(tagged=False, max_length=22))[1] == ""


def test_control_tokens_in_a_page_do_not_end_a_turn(byte_tokenizer) -> None:
    ids, labels = ids_and_labels(
        byte_tokenizer, Example(id="w", source="web", instruction="H</s>i", output="Y</s>o!"), tagged=False
    )
    assert ids == [*INST, *HI, *END, *YO, 1]
    assert prompt_ids(byte_tokenizer, forward("</s>Hi", [])) == [*INST, *HI, *END]


def test_collate_pads_by_position_even_when_pad_is_eos() -> None:
    batch = collate([Tokens("a", [5, 6, 1], [IGNORED, 6, 1]), Tokens("b", [7], [7])], pad_id=1)
    assert batch["input_ids"].tolist() == [[5, 6, 1], [7, 1, 1]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert batch["labels"].tolist() == [[IGNORED, 6, 1], [7, IGNORED, IGNORED]]


def test_concatenated_rows_keep_their_own_positions() -> None:
    batch = concatenate([Tokens("a", [5, 6, 1], [IGNORED, 6, 1]), Tokens("b", [7, 1], [IGNORED, 1])])
    assert batch["input_ids"].tolist() == [[5, 6, 1, 7, 1]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert batch["labels"].tolist() == [[IGNORED, 6, 1, IGNORED, 1]]
    assert batch["lengths"] == [3, 2]


def rows(count: int) -> list[Tokens]:
    return [Tokens(str(i), list(range(i + 1)), [IGNORED] + list(range(1, i + 1))) for i in range(count)]


def batches(**settings: object) -> StepBatches:
    defaults = {"seed": 0, "batch_size": 4, "micro_batch": 2, "pad_id": 0, "first_step": lambda: 0}
    return StepBatches(rows(10), **(defaults | settings))  # type: ignore[arg-type]


def test_a_step_holds_exactly_the_batch_sorted_by_length() -> None:
    step = batches().step(0)  # examples 4, 6, 2, 7 of the order test
    assert [b["attention_mask"].sum(1).tolist() for b in step] == [[3, 5], [7, 8]]
    assert [int(b["step_labels"]) for b in step] == [2 + 4 + 6 + 7] * 2


def test_ranks_share_a_step_and_its_label_count() -> None:
    first, second = (batches(micro_batch=1, rank=rank, ranks=2).step(0) for rank in (0, 1))
    lengths = [[int(b["attention_mask"].sum()) for b in part] for part in (first, second)]
    assert lengths == [[3, 7], [5, 8]]
    assert {int(b["step_labels"]) for b in first + second} == {19}


def test_ranks_that_cannot_share_a_step_equally_repeat_its_shortest_row() -> None:
    parts = [batches(micro_batch=1, pad_id=None, rank=rank, ranks=3).step(0) for rank in range(3)]
    assert [len(part) for part in parts] == [2, 2, 2]
    counted = [b["ids"] for part in parts for b in part if not b["repeated"]]
    assert sorted(counted) == [["2"], ["4"], ["6"], ["7"]]
    assert [b["ids"] for part in parts for b in part if b["repeated"]] == [["2"], ["2"]]
    assert {int(b["step_labels"]) for part in parts for b in part} == {19}


def test_without_padding_micro_batches_hold_about_as_many_tokens() -> None:
    step = batches(pad_id=None).step(0)
    assert [b["lengths"] for b in step] == [[3, 8], [5, 7]]
    assert [b["ids"] for b in step] == [["2", "7"], ["4", "6"]]
    assert [b["lengths"] for b in batches(pad_id=None, rank=1, ranks=2).step(0)] == [[5, 7]]


def test_iteration_starts_at_the_step_asked_for() -> None:
    late = next(iter(batches(first_step=lambda: 3)))
    assert torch.equal(late["input_ids"], batches().step(3)[0]["input_ids"])


def test_a_template_that_leaves_the_system_turn_out_gets_it_in_the_users(byte_tokenizer) -> None:
    tokenizer = deepcopy(byte_tokenizer)
    tokenizer.chat_template = "{% for m in messages if m.role == 'user' %}<u>{{ m.content | trim }}{% endfor %}<a>"
    conversation = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    assert tokenizer.decode(prompt_ids(tokenizer, conversation)) == "<u>Why? Be brief.<a>"
    assert tokenizer.decode(prompt_ids(tokenizer, conversation[1:])) == "<u>Why?<a>"
