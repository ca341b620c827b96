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
        ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>Boil it.<|END_RESPONSE|>", "Boil it."),
        ("<|begin_of_thinking|>hm<|end_of_thinking|>Boil it.", "Boil it."),
        ("<|startofthought|>hm<|endofthought|>Boil it.", "Boil it."),
        ("<|reasoning_start|>hm<|reasoning_end|>Boil it.", "Boil it."),
        ("<|end_thinking|>Boil it.", "Boil it."),
        ("<start_working_out>hm<end_working_out><SOLUTION>Boil it.</SOLUTION>", "Boil it."),
        ("[THINKING]hm[/THINKING]Boil it.", "Boil it."),
        (
            "See [thought](https://example.org) and [think] of rice.",
            "See [thought](https://example.org) and [think] of rice.",
        ),
        ("<think_fast>hm</think_fast>Boil it.", "Boil it."),
        ("<think_faster_never_used_51bce0>hm</think_faster_never_used_51bce0>Boil it.", "Boil it."),
        ("<chain-of-thought>hm</chain-of-thought>Boil it.", "Boil it."),
        ("<think >hm</think >Boil it.", "Boil it."),
        ("<thinking>hm</thinking><output>Boil it.</output>", "Boil it."),
        ("<think>hm</think><final_answer>Boil it.</final_answer>", "Boil it."),
        ("hm\n\n[BEGIN FINAL RESPONSE]\nBoil it.\n[END FINAL RESPONSE]\n<|end|>", "Boil it."),
        ("Here is my thought process:\nhm\n\nHere is my response:\nBoil it.", "Boil it."),
        ("Boil it.\nHere is my response:\nnone", "Boil it.\nHere is my response:\nnone"),
        ("Here is my thought process: I boil.", "Here is my thought process: I boil."),
        ("Thinking...\nhm\n...done thinking.\n\nBoil it.", "Boil it."),
        ('<details type="reasoning" done="true">\nhm\n</details>\nBoil it.', "Boil it."),
        ("<details>Salt</details> Boil it.", "<details>Salt</details> Boil it."),
        ("<|im_start|>think\nhm\n<|im_start|>answer\nBoil it.", "Boil it."),
        ("<|start|>assistant<|channel|>analysis<|message|>hm<|return|>", ""),
        ("<|im_start|>assistant\n<think>hm</think>Boil it.", "Boil it."),
        ("<|im_start|>assistant\nBoil it.", "Boil it."),
        ("Boil it.<|im_end|>\n<|im_start|>user\nAnd then?", "Boil it."),
        ("Boil it.<|eot_id|>assistant\n\nFry it.", "Boil it."),
        ("<|im_end|>\nBoil it.", "Boil it."),
        ("Boil <s>it</s> rice.", "Boil it rice."),
        ("GPT-2 parts texts by <|endoftext|> marks.", "GPT-2 parts texts by  marks."),
        ("The `<eos>` ends it. It is id 2.", "The `` ends it. It is id 2."),
        ("<|im_end|>\n<|im_start|>user\nNew question", ""),
        ("Mark it [REASONING], then [ANSWER].", "Mark it [REASONING], then [ANSWER]."),
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
