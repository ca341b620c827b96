"""Chat templates in the forms of well-known families, each with the strings that mark its turns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    template: str
    marks: tuple[str, ...]
    """What begins or ends a turn."""


def turns(begin: str, end: str, model: str = "assistant", head: str = "") -> str:
    """A template that puts `begin`, in which ROLE is the role, before a turn and `end` behind it."""
    start, role, tail = begin.partition("ROLE")
    name = f"('{model}' if message['role'] == 'assistant' else message['role'])" if role else "''"
    return (
        f"{head}{{% for message in messages %}}{{{{ '{start}' + {name} + '{tail}' + message['content'] + '{end}' }}}}"
        f"{{% endfor %}}{{% if add_generation_prompt %}}{{{{ '{start}{model if role else ''}{tail}' }}}}{{% endif %}}"
    )


def mistral(system: str, user: str, end: str = "</s>") -> str:
    """User turns in `[INST]`; USER is the user's text, `system` what a system turn becomes."""
    before, _, behind = user.partition("USER")
    return (
        "<s>{% for message in messages %}"
        f"{{% if message['role'] == 'system' %}}{system}"
        f"{{% elif message['role'] == 'user' %}}{before}{{{{ message['content'] }}}}{behind}"
        f"{{% else %}}{{{{ ' ' + message['content'] }}}}{end}{{% endif %}}{{% endfor %}}"
    )


NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
VICUNA = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + ' ' }}"
    "{% elif message['role'] == 'user' %}{{ 'USER: ' + message['content'] + ' ' }}"
    "{% else %}{{ 'ASSISTANT: ' + message['content'] + '</s>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
ALPACA = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}"
    "{% elif message['role'] == 'user' %}{{ '### Instruction:\\n' + message['content'] + '\\n\\n' }}"
    "{% else %}{{ '### Response:\\n' + message['content'] + '\\n\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Response:\\n' }}{% endif %}"
)
DEEPSEEK = (
    "<｜begin▁of▁sentence｜>{% for message in messages %}{% if message['role'] == 'system' %}{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}{{ '<｜User｜>' + message['content'] }}"
    "{% else %}{{ '<｜Assistant｜>' + message['content'] + '<｜end▁of▁sentence｜>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}"
)
COHERE_ROLE = "{'system': 'SYSTEM', 'user': 'USER', 'assistant': 'CHATBOT'}[message['role']]"
COHERE = (
    "<BOS_TOKEN>{% for message in messages %}{{ '<|START_OF_TURN_TOKEN|><|' + " + COHERE_ROLE + " + '_TOKEN|>' + "
    "message['content'] + '<|END_OF_TURN_TOKEN|>' }}{% endfor %}"
    "{% if add_generation_prompt %}<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{% endif %}"
)
HARMONY = (
    "{{ '<|start|>system<|message|>You are a model.\\nKnowledge cutoff: 2024-06<|end|>' }}{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}{{ '<|start|>assistant<|channel|>final<|message|>' + message['content'] + '<|end|>' }}"
    "{% else %}{{ '<|start|>' + message['role'] + '<|message|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
FAMILIES = {
    "chatml": Family(turns("<|im_start|>ROLE\\n", "<|im_end|>\\n"), ("<|im_start|>", "<|im_end|>")),
    "qwen3": Family(
        turns("<|im_start|>ROLE\\n", "<|im_end|>\\n")
        + "{% if add_generation_prompt %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}",
        ("<|im_start|>", "<|im_end|>", "<think>", "</think>"),
    ),
    "llama2": Family(
        mistral("{{ '<<SYS>>\\n' + message['content'] + '\\n<</SYS>>\\n\\n' }}", "[INST] USER [/INST]", " </s><s>"),
        ("<s>", "</s>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"),
    ),
    "llama3": Family(
        turns("<|start_header_id|>ROLE<|end_header_id|>\\n\\n", "<|eot_id|>", head="<|begin_of_text|>"),
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|begin_of_text|>"),
    ),
    "zephyr": Family(turns("<|ROLE|>\\n", "</s>\\n"), ("<|system|>", "<|user|>", "<|assistant|>", "</s>")),
    "vicuna": Family(VICUNA, ("USER:", "ASSISTANT:", "</s>")),
    "alpaca": Family(ALPACA, ("### Instruction:", "### Response:")),
    "gemma": Family(
        turns("<start_of_turn>ROLE\\n", "<end_of_turn>\\n", "model", "<bos>" + NO_SYSTEM),
        ("<bos>", "<start_of_turn>", "<end_of_turn>"),
    ),
    "gemma4": Family(turns("<|turn>ROLE\\n", "<turn|>\\n", "model", "<bos>"), ("<bos>", "<|turn>", "<turn|>")),
    "deepseek": Family(
        DEEPSEEK,
        ("<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<think>"),
    ),
    "mistral v1": Family(mistral("", "[INST] USER [/INST]"), ("<s>", "</s>", "[INST]", "[/INST]")),
    "mistral v3": Family(mistral("", "[INST] USER[/INST]"), ("<s>", "</s>", "[INST]", "[/INST]")),
    "mistral v7": Family(
        mistral("{{ '[SYSTEM_PROMPT] ' + message['content'] + '[/SYSTEM_PROMPT]' }}", "[INST] USER[/INST]"),
        ("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"),
    ),
    "phi3": Family(turns("<|ROLE|>\\n", "<|end|>\\n"), ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")),
    "cohere": Family(
        COHERE,
        (
            *("<BOS_TOKEN>", "<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
            *("<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"),
        ),
    ),
    "glm": Family(
        turns("<|ROLE|>\\n", "", head="[gMASK]<sop>"), ("[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>")
    ),
    "harmony": Family(HARMONY, ("<|start|>", "<|message|>", "<|end|>", "<|channel|>")),
    "exaone": Family(
        turns("[|ROLE|]", "[|endofturn|]\\n"), ("[|system|]", "[|user|]", "[|assistant|]", "[|endofturn|]")
    ),
    "kimi": Family(turns("<|im_user|>ROLE<|im_middle|>", "<|im_end|>"), ("<|im_user|>", "<|im_middle|>", "<|im_end|>")),
    "redpajama": Family(turns("<ROLE>: ", "\\n", "bot"), ("<system>:", "<user>:", "<bot>:")),
    "internlm": Family(turns("<|ROLE|>:", "<eoh>\\n"), ("<|system|>", "<|user|>", "<|assistant|>", "<eoh>")),
    "granite": Family(
        turns("<|start_of_role|>ROLE<|end_of_role|>", "<|end_of_text|>\\n"),
        ("<|start_of_role|>", "<|end_of_role|>", "<|end_of_text|>"),
    ),
    "llama4": Family(
        turns("<|header_start|>ROLE<|header_end|>\\n\\n", "<|eot|>", head="<|begin_of_text|>"),
        ("<|header_start|>", "<|header_end|>", "<|eot|>"),
    ),
    "minimax": Family(
        turns("<beginning_of_sentence>ROLE name=ROLE\\n", "<end_of_sentence>\\n", "ai"),
        ("<beginning_of_sentence>", "<end_of_sentence>"),
    ),
    "minimax m2": Family(turns("]~b]ROLE\\n", "[e~[\\n", "ai", "]~!b["), ("]~b]", "[e~[")),
    "openchat": Family(
        turns("GPT4 Correct ROLE: ", "<|end_of_turn|>", "Assistant", "<s>"),
        ("GPT4 Correct user:", "GPT4 Correct Assistant:", "<|end_of_turn|>"),
    ),
    "apertus": Family(
        turns("<|ROLE_start|>", "<|im_end|>"),
        ("<|user_start|>", "<|assistant_start|>", "<|system_start|>", "<|im_end|>"),
    ),
    "falcon": Family(turns("\\nROLE: ", "", "Falcon"), ("user:", "Falcon:")),
    "adjoining": Family(turns("☞ROLE☜", "☒"), ("☞user☜", "☞system☜", "☞assistant☜", "☒")),
    "unheard of": Family(
        turns("{$ROLE$} ", "~~~over~~~\\n"), ("{$system$}", "{$user$}", "{$assistant$}", "~~~over~~~")
    ),
    "roles on lines": Family(turns("\\nROLE\\n", ""), ("\nsystem\n", "\nuser\n", "\nassistant\n")),
}
