"""Every word we say to a model. Training, augmentation, curation and evaluation all render through these functions.

A conversation is a list of {"role", "content"}; a chat template of ours turns it into text, and is exported with every model.
The source tag (paper section 7) is the system message: the `inst` template puts it behind the instruction, one space
before it, as the paper's own group describes it (arXiv 2408.04614, appendix A); `chatml` has a system turn for it.
"""

import hashlib
import json
from collections.abc import Sequence

Conversation = list[dict[str, str]]

TAGS = {
    "seed": "Answer in the style of an AI Assistant.",
    "web": "Answer with knowledge from web search.",
}
"""Source -> its sentence, S_a and S_w (paper section 7)."""

TEMPLATES = {
    "inst": (
        "{% set ns = namespace(system='') %}{{ bos_token }}"
        "{% for message in messages %}"
        "{% if message['role'] == 'system' %}{% set ns.system = ' ' + message['content'] %}"
        "{% elif message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ns.system + ' [/INST]' }}"
        "{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}"
        "{% endfor %}"
    ),
    "chatml": (
        "{% for message in messages %}"
        "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
        "{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
    ),
}
"""Template name -> Jinja source, the form tokenizers carry. A conversation without a system turn gets none."""

TURN_MARKS = ("[INST]", "[/INST]")
"""What marks a turn in `inst` as plain text; named here because it identifies runs (`STAGE_PROMPTS`)."""

BACKWARD = (
    "The text below is a candidate answer to a user's question or instruction. "
    "What is the most likely question or instruction for which it would be a great answer? "
    "Reply with the question or instruction alone.\n\n{output}"
)
"""The paper does not print its backward prompt; this says what arXiv 2408.04614 reports of it, in our words."""

REWRITE = (
    "Below are a request and a draft of the answer to it, taken from a web page. Rewrite the draft as a helpful assistant "
    "would answer the request. Stay close to the draft: keep its facts, its examples and its wording where they serve the "
    "request, add no facts of your own, and leave out what does not belong in an answer. "
    "Reply with the rewritten answer alone.\n\nRequest:\n{instruction}\n\nDraft:\n{output}"
)
"""What arXiv 2408.04614 tells its rewriter (stay close to the draft, add no new facts), in our words."""

JUDGE = (
    "Two assistants answered the same request. Decide which answer helps the person who asked more: "
    "is it correct, complete, on topic and clearly written?\n\n"
    "Request:\n{instruction}\n\nAnswer 1:\n{first}\n\nAnswer 2:\n{second}\n\n"
    "Which answer is better, 1 or 2? Reply with the number alone."
)

RANKING = (
    "Two assistants answered the same request. Compare their answers as the person who asked would: which is more correct, "
    "complete, on topic and clearly written? Neither its length nor its place makes an answer better.\n\n"
    "Request:\n{instruction}\n\nAnswer 1:\n{first}\n\nAnswer 2:\n{second}\n\n"
    'Give a brief reason. Then write, as the last line, "Ranking: " followed by 1 > 2 if answer 1 is better, 2 > 1 if answer 2 '
    "is, or 1 = 2 if neither is."
)

ASSISTANT_PREFIX = "Score:"
"""What the rating model's turn is taken to begin with under scorer=expected, where the rubrics ask for the rating."""

SHIPPED_TEMPLATES = {"inst": "b2bfde42debaf408", "chatml": "81072a44f836e15e"}
"""Digests of the first templates as they were when evaluations began to be identified by them."""

STAGE_PROMPTS = {
    "train": [TAGS, {name: TEMPLATES[name] for name in SHIPPED_TEMPLATES}, TURN_MARKS, BACKWARD],
    "augment": [TAGS, TURN_MARKS, BACKWARD],
    "gate": [TAGS, TURN_MARKS, BACKWARD, ASSISTANT_PREFIX],
    "score": [TAGS, TURN_MARKS, BACKWARD, ASSISTANT_PREFIX],
    "rewrite": [TAGS, TURN_MARKS, REWRITE],
    "evaluate": [TAGS, TURN_MARKS, JUDGE],
}
"""Stage -> the texts above that shape what it makes: a run made with other words is another run."""


def stage_digest(stage: str, templates: Sequence[str | None] = ()) -> str:
    """What identifies the texts that shape a stage; empty for a stage that says nothing to a model.

    Args:
        templates: names of the chat templates that it renders with. A new or edited one makes another run of the stages that use
            it; those that use a shipped one stay what they are.
    """
    if stage not in STAGE_PROMPTS:
        return ""
    used = {name: TEMPLATES[name] for name in templates if name in TEMPLATES}
    new = {name: text for name, text in used.items() if text_digest(text) != SHIPPED_TEMPLATES.get(name)}
    return text_digest([*STAGE_PROMPTS[stage], *([new] if new else [])])


def text_digest(texts: object) -> str:
    """16 hexadecimal digits that tell texts, in lists and dictionaries, from others."""
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:16]


def tag(sources: Sequence[str]) -> Conversation:
    """The system message of the given sources, joined by a space; none for no source."""
    return [{"role": "system", "content": " ".join(TAGS[source] for source in sources)}] if sources else []


def without_system(conversation: Conversation) -> Conversation:
    """The conversation for a model without a system turn: its text stands behind the user's, as `inst` has it."""
    system = [message["content"] for message in conversation if message["role"] == "system"]
    first, *rest = [message for message in conversation if message["role"] != "system"]
    return [{**first, "content": " ".join([first["content"], *system])}, *rest]


def forward(instruction: str, sources: Sequence[str]) -> Conversation:
    """A request for an answer in the style of the sources."""
    return [*tag(sources), {"role": "user", "content": instruction}]


def backward(output: str, tagged: bool = True) -> Conversation:
    """A request for the instruction behind an output.

    Its tag is the seed's in training and augmentation alike: what is asked for is an instruction as people write them.
    """
    return [*tag(["seed"] if tagged else []), {"role": "user", "content": BACKWARD.replace("{output}", output)}]


def rating(rubric: str, instruction: str, output: str, tagged: bool = True) -> Conversation:
    """A request to rate a pair; asked under the seed's tag, whose style a rating is to have.

    A rubric without `{output}` rates the instruction alone. The texts may themselves hold the name of a slot.
    """
    head, _, rest = rubric.partition("{instruction}")
    middle, slot, tail = rest.partition("{output}")
    text = head + instruction + middle + (output if slot else "") + tail
    return [*tag(["seed"] if tagged else []), {"role": "user", "content": text}]


def rewriting(instruction: str, draft: str, tagged: bool = True) -> Conversation:
    """A request to make an answer of a draft; asked under the seed's tag, whose style the answer is to have."""
    return rating(REWRITE, instruction, draft, tagged)


def comparison(instruction: str, first: str, second: str, prompt: str = JUDGE) -> Conversation:
    """A request to compare two answers. Slots are filled at once, so braces in the texts stay as they are."""
    pieces = {"instruction": instruction, "first": first, "second": second}
    return [*tag(["seed"]), {"role": "user", "content": prompt.format_map(pieces)}]
