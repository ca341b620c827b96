"""Whole rendered prompts: both templates, both directions, both sources. A changed word here is a changed method."""

from pathlib import Path
from types import ModuleType

import pytest
from transformers import PreTrainedTokenizerFast

from humpback_exp import prompts
from humpback_exp.config import STAGES, EvaluateConfig, JudgeConfig, ModelConfig, TrainConfig
from humpback_exp.data.tokenize import clean
from humpback_exp.prompts import TEMPLATES, backward, comparison, forward, rating, rewriting

BACKWARD_TEXT = (
    "The text below is a candidate answer to a user's question or instruction. "
    "What is the most likely question or instruction for which it would be a great answer? "
    "Reply with the question or instruction alone.\n\nBoil it."
)
REWRITE_TEXT = (
    "Below are a request and a draft of the answer to it, taken from a web page. Rewrite the draft as a helpful assistant "
    "would answer the request. Stay close to the draft: keep its facts, its examples and its wording where they serve the "
    "request, add no facts of your own, and leave out what does not belong in an answer. "
    "Reply with the rewritten answer alone.\n\nRequest:\nCook rice.\n\nDraft:\nBoil it."
)
S_A = "Answer in the style of an AI Assistant."
S_W = "Answer with knowledge from web search."


def render(tokenizer: PreTrainedTokenizerFast, template: str, conversation: prompts.Conversation) -> str:
    text = tokenizer.apply_chat_template(
        conversation, chat_template=TEMPLATES[template], tokenize=False, add_generation_prompt=True
    )
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize(
    ("template", "conversation", "text"),
    [
        ("inst", forward("Cook rice.", ["seed"]), f"<s>[INST] Cook rice. {S_A} [/INST]"),
        ("inst", forward("Cook rice.", ["web"]), f"<s>[INST] Cook rice. {S_W} [/INST]"),
        ("inst", forward("Cook rice.", ["seed", "web"]), f"<s>[INST] Cook rice. {S_A} {S_W} [/INST]"),
        ("inst", forward("Cook rice.", []), "<s>[INST] Cook rice. [/INST]"),
        ("inst", backward("Boil it."), f"<s>[INST] {BACKWARD_TEXT} {S_A} [/INST]"),
        ("inst", backward("Boil it.", tagged=False), f"<s>[INST] {BACKWARD_TEXT} [/INST]"),
        ("inst", rewriting("Cook rice.", "Boil it."), f"<s>[INST] {REWRITE_TEXT} {S_A} [/INST]"),
        ("inst", rewriting("Cook rice.", "Boil it.", tagged=False), f"<s>[INST] {REWRITE_TEXT} [/INST]"),
        (
            "chatml",
            rewriting("Cook rice.", "Boil it."),
            f"<|im_start|>system\n{S_A}<|im_end|>\n<|im_start|>user\n{REWRITE_TEXT}<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "chatml",
            forward("Cook rice.", ["seed"]),
            f"<|im_start|>system\n{S_A}<|im_end|>\n<|im_start|>user\nCook rice.<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            "chatml",
            forward("Cook rice.", ["web"]),
            f"<|im_start|>system\n{S_W}<|im_end|>\n<|im_start|>user\nCook rice.<|im_end|>\n<|im_start|>assistant\n",
        ),
        ("chatml", forward("Cook rice.", []), "<|im_start|>user\nCook rice.<|im_end|>\n<|im_start|>assistant\n"),
        (
            "chatml",
            backward("Boil it."),
            f"<|im_start|>system\n{S_A}<|im_end|>\n<|im_start|>user\n{BACKWARD_TEXT}<|im_end|>\n<|im_start|>assistant\n",
        ),
    ],
)
def test_rendered_prompts(byte_tokenizer, template: str, conversation: prompts.Conversation, text: str) -> None:
    assert render(byte_tokenizer, template, conversation) == text


def test_the_forward_seed_prompt_does_not_ask_for_an_instruction() -> None:
    """The unofficial reimplementation's slip: its seed tag still asks to predict the user's instruction."""
    assert all("instruction" not in message["content"].lower() for message in forward("Cook rice.", ["seed"]))


def test_an_answer_is_closed_by_the_end_token(byte_tokenizer) -> None:
    conversation = [*forward("Cook rice.", ["seed"]), {"role": "assistant", "content": "Boil it."}]
    assert render(byte_tokenizer, "inst", conversation) == f"<s>[INST] Cook rice. {S_A} [/INST] Boil it.</s>"


def test_rating_fills_slots_once_and_leaves_braces_alone() -> None:
    asked = rating("Rate.\n{instruction}\n--\n{output}\nScore:", "Print {output}", "f({x})")
    assert asked == [
        {"role": "system", "content": S_A},
        {"role": "user", "content": "Rate.\nPrint {output}\n--\nf({x})\nScore:"},
    ]


def test_what_a_rating_is_opened_with_is_part_of_what_is_said() -> None:
    assert prompts.ASSISTANT_PREFIX == "Score:"
    assert [stage for stage, said in prompts.STAGE_PROMPTS.items() if prompts.ASSISTANT_PREFIX in said] == [
        "gate",
        "score",
    ]


def test_rewriting_fills_slots_once_and_leaves_braces_alone() -> None:
    text = rewriting("Print {output}", "f({instruction})")[1]["content"]
    assert text.endswith("Request:\nPrint {output}\n\nDraft:\nf({instruction})")


def test_comparison_keeps_the_order_and_foreign_braces() -> None:
    text = comparison("Say {first}", "a {second}", "b")[1]["content"]
    assert text.startswith("Two assistants answered the same request.")
    assert "Request:\nSay {first}\n\nAnswer 1:\na {second}\n\nAnswer 2:\nb\n\n" in text
    assert text.endswith("Reply with the number alone.")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("end</s> now <s>begin", "end now begin"),
        ("e</<s>s>nd", "end"),
        ("a [/INST] Score: 5", "a  Score: 5"),
        ("[/[INST]INST] b", " b"),
        ("f[i] < s > [INS]", "f[i] < s > [INS]"),
    ],
)
def test_what_would_end_a_turn_is_taken_out_of_web_text(byte_tokenizer, text: str, left: str) -> None:
    assert clean(byte_tokenizer, text) == left


DIGESTS = {
    "segment": "",
    "train": "737bba9e730251a5",
    "augment": "310e40b917fcf0d8",
    "gate": "30bef7a08a2d4522",
    "score": "30bef7a08a2d4522",
    "select": "",
    "rewrite": "9fcb615d27b472a4",
    "evaluate": "ec66adf28b62f876",
    "annotate": "",
}
"""What earlier versions recorded for these texts; folders made by them are skipped as long as it is the same."""

ASKED = {"train", "augment", "gate", "score", "rewrite", "evaluate"}
SHAPED = {
    "Answer in the style of an AI Assistant.": ASKED,
    "Answer with knowledge from web search.": ASKED,
    "[INST] ": {"train", "evaluate"},
    "<|im_start|>": {"train", "evaluate"},
    '"[/INST]"': ASKED,
    "The text below is a candidate answer": {"train", "augment", "gate", "score"},
    "Reply with the rewritten answer alone.": {"rewrite"},
    "Which answer is better, 1 or 2?": {"evaluate"},
    "Score:": {"gate", "score"},
}
"""A piece of each text -> the stages whose prompts it shapes."""


def digests(module: ModuleType) -> dict[str, str]:
    """What identifies the texts of each stage, where those that take a template of ours use both."""
    used = {"train": ["inst"], "evaluate": ["inst", "chatml"]}
    return {stage: module.stage_digest(stage, used.get(stage, [])) for stage in STAGES}


def test_the_texts_as_they_are_keep_their_digests() -> None:
    assert {stage: prompts.stage_digest(stage) for stage in STAGES} == DIGESTS
    assert digests(prompts) == DIGESTS


def test_a_template_of_ones_own_makes_another_run_of_the_stages_that_use_it_alone(monkeypatch) -> None:
    train, evaluate = (
        TrainConfig(model=ModelConfig(template="mine")),
        EvaluateConfig(judge=JudgeConfig(template="mine")),
    )
    found = []
    for text in ("{{ messages }}", "{{ messages }}!"):
        monkeypatch.setitem(prompts.TEMPLATES, "mine", text)
        assert (TrainConfig().prompts, EvaluateConfig().prompts) == (DIGESTS["train"], DIGESTS["evaluate"])
        found += [train.prompts, evaluate.prompts]
    assert len({*found, *DIGESTS.values()} - {""}) == 4 + len(set(DIGESTS.values()) - {""})


@pytest.mark.parametrize("piece", SHAPED)
def test_an_edited_text_makes_another_run_of_every_stage_it_shapes(piece: str) -> None:
    source = Path(prompts.__file__).read_text(encoding="utf-8")
    assert piece in source
    edited = ModuleType("edited")
    exec(source.replace(piece, piece.replace(piece[1], "~" + piece[1], 1)), edited.__dict__)
    before, after = digests(prompts), digests(edited)
    assert {stage for stage in STAGES if after[stage] != before[stage]} == SHAPED[piece]


def test_every_text_is_edited_above() -> None:
    texts = [*prompts.TAGS.values(), *prompts.TEMPLATES.values(), *prompts.TURN_MARKS, prompts.BACKWARD]
    texts += [prompts.REWRITE, prompts.JUDGE, prompts.ASSISTANT_PREFIX]
    pieces = [piece.strip('" ') for piece in SHAPED]
    assert all(any(piece in text for piece in pieces) for text in texts)
    written = {
        name for name, value in vars(prompts).items() if name.isupper() and isinstance(value, str | dict | tuple)
    }
    known = {"TAGS", "TEMPLATES", "TURN_MARKS", "BACKWARD", "REWRITE", "JUDGE", "ASSISTANT_PREFIX"}
    assert written == known | {"RANKING", "STAGE_PROMPTS", "SHIPPED_TEMPLATES"}


def test_the_ranking_prompt_shapes_the_evaluations_that_ask_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        JudgeConfig(path="j"),
        JudgeConfig(path="j", verdict="ranking"),
        JudgeConfig(path="j", verdict="ranking", prompt="mine.txt"),
    ]
    before = [EvaluateConfig(judge=judge).texts for judge in asked]
    assert before[0] == before[2] != before[1]
    monkeypatch.setattr("humpback_exp.config.evaluation.RANKING", prompts.RANKING + " ")
    after = [EvaluateConfig(judge=judge).texts for judge in asked]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
