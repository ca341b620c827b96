"""What of a completion may be used, and why nothing may."""

import pytest

from humpback_exp.completions import Completion, answer_in
from humpback_exp.inference.protocol import completion


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Boil it.", "Boil it."),
        ("<think>hm</think>Boil it.", "Boil it."),
        ("<think>\nhm\n</think>\n\nBoil it.", "Boil it."),
        ("hm, rice\n</think>\nBoil it.", "Boil it."),
        ("<think>should I <think> twice?</think> Boil it.", "Boil it."),
        ("<think>a</think>No. <think>b</think>Boil it.", "No. Boil it."),
        ("Boil it. <think>or fry", "Boil it."),
        ("<think>hm", ""),
        ("<THINKING>hm</THINKING> Boil it.", "Boil it."),
        ('<think budget="5">hm</think>Boil it.', "Boil it."),
        ("<reasoning>hm</reasoning>Boil it.", "Boil it."),
        ("[THINK]hm[/THINK]Boil it.", "Boil it."),
        ("◁think▷hm◁/think▷Boil it.", "Boil it."),
        ("<seed:think>hm</seed:think>Boil it.", "Boil it."),
        (
            "<|begin_of_thought|>hm<|end_of_thought|><|begin_of_solution|>Boil it.<|end_of_solution|>",
            "Boil it.",
        ),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Boil it.<|return|>",
            "Boil it.",
        ),
        ("<|channel|>analysis<|message|>hm", ""),
        ("<|channel>thought\nhm<channel|>Boil it.", "Boil it."),
        (
            "<|channel|>commentary to=f <|constrain|>json<|message|>{}<|channel|>final <|constrain|>text<|message|>Boil it.",
            "Boil it.",
        ),
        ("analysisHe asks for rice.assistantfinalBoil it.", "Boil it."),
        ("analysisHe asks", ""),
        ("analysis of rice: Boil it.", "analysis of rice: Boil it."),
        ("<|inner_prefix|>hm<|inner_suffix|>Boil it.", "Boil it."),
        ("<|think|>hm<|end|><|begin|>assistant<|content|>Boil it.", "Boil it."),
        ("<unused94>thought\nhm<unused95>Boil it.", "Boil it."),
        ("<longcat_think>hm</longcat_think>Boil it.", "Boil it."),
        ("<thought_process>hm</thought_process>Boil it.", "Boil it."),
        ("<scratch_pad>hm</scratch_pad>Boil it.", "Boil it."),
        ("<think>hm</think>\n<answer>\nBoil it.\n</answer>", "Boil it."),
        ("<answer>Boil it.</answer>", "<answer>Boil it.</answer>"),
        ("Boil it.<|im_end|>", "Boil it."),
        ("Boil it.</s> [INST]", "Boil it."),
        (
            "I think <b>so</b>, said the thinker; <thinkpad> is a laptop.",
            "I think <b>so</b>, said the thinker; <thinkpad> is a laptop.",
        ),
    ],
)
def test_thinking_and_marks_are_no_part_of_an_answer(text: str, answer: str) -> None:
    assert answer_in(text) == answer


@pytest.mark.parametrize(
    ("text", "finish", "unusable", "unfinished"),
    [
        ("Boil it.", "stop", "", ""),
        ("Boil", "length", "", "unfinished"),
        ("", "stop", "", ""),
        ("<think>hm</think>", "stop", "reasoning alone", ""),
        ("<think>hm", "length", "reasoning alone", "unfinished"),
        ("<|im_end|>", "stop", "", ""),
        ("", "overflow", "longer than the context", ""),
        ("", "filtered", "content filter", ""),
        ("I will not.", "refused", "refused", ""),
        ("", "failed", "failed at the endpoint", ""),
        ("half \ufffd", "broken", "broken characters", ""),
    ],
)
def test_why_a_completion_is_no_answer(text: str, finish: str, unusable: str, unfinished: str) -> None:
    made = Completion(text, 3, finish)
    assert (made.unusable, made.unfinished) == (unusable, unfinished)


def test_thinking_that_special_tokens_mark_is_told_from_the_answer(byte_tokenizer) -> None:
    from copy import deepcopy

    tokenizer = deepcopy(byte_tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]"]})
    ids = tokenizer("[THINK]hm[/THINK]Boil it.", add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    made = completion(tokenizer, ids)
    assert (made.text, made.answer, made.finish) == ("[THINK]hm[/THINK]Boil it.", "Boil it.", "stop")
    plain = tokenizer("Boil it.", add_special_tokens=False)["input_ids"]
    assert completion(tokenizer, plain) == Completion("Boil it.", len(plain), "length")
