"""Classes of models with tiny random weights, and what of this project each of them supports.

`python -m tests.modeling.families` prints docs/models.md; `test_families.py` shows that every cell is true.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

WAYS = ("padding-free", "padded", "checkpointed", "LoRA", "engine")
"""Ways of computing a model that are compared with transformers' own forward pass."""
SHAPE = dict(
    vocab_size=300, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.1, bos_token_id=0, eos_token_id=1,
    pad_token_id=1,
)  # fmt: skip
WINDOW = dict(sliding_window=16)
EXPERTS = dict(num_local_experts=4, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=32)
ROPE = dict(rope_theta=10000.0)
QKV_IN_ONE = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]
ATTENTION_ONLY = ["q_proj", "k_proj", "v_proj", "o_proj"]
LEAKS = "rows of a forward pass see each other through its state"
OWN_ATTENTION = "its layers take no attention but their own"
ATTENDS_TWICE = "its layers attend twice, with one set of keys and two of values"


@dataclass(frozen=True)
class Family:
    """One row of the table."""

    name: str
    kind: str
    """`model_type` of its config."""
    options: dict[str, Any] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)
    """LoRA targets, where the defaults name none of its projections or not all."""
    refused: dict[str, str] = field(default_factory=dict)
    """Ways that are refused, with the reason for the table."""
    change: Callable[[torch.nn.Module], None] = lambda model: None
    """Makes weights that are 0 or 1 in a new model count."""


def every_bias(model: torch.nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if name.endswith(("bias", "sinks")):
            torch.nn.init.normal_(parameter, std=0.5)


def rope(kind: str, **more: Any) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, "factor": 4.0, **more}}


LLAMA3 = dict(low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64)
LONGROPE = dict(short_factor=[1.0] * 8, long_factor=[2.0] * 8, original_max_position_embeddings=512)
FAMILIES = [
    Family("Llama", "llama"),
    Family("Llama, tied", "llama", dict(tie_word_embeddings=True)),
    Family("Llama, biases", "llama", dict(attention_bias=True, mlp_bias=True), change=every_bias),
    Family("Llama, gelu", "llama", dict(hidden_act="gelu")),
    Family("Llama, linear rope", "llama", rope("linear")),
    Family("Llama, dynamic rope", "llama", rope("dynamic")),
    Family("Llama, yarn rope", "llama", rope("yarn", original_max_position_embeddings=128)),
    Family("Llama, llama3 rope", "llama", rope("llama3", **LLAMA3)),
    Family("Mistral", "mistral", dict(sliding_window=None)),
    Family("Mistral, window", "mistral", WINDOW),
    Family("Mixtral", "mixtral", EXPERTS | dict(sliding_window=None), ATTENTION_ONLY),
    Family("Qwen2", "qwen2", change=every_bias),
    Family("Qwen2, window", "qwen2", WINDOW | dict(use_sliding_window=True, max_window_layers=1)),
    Family("Qwen2-MoE", "qwen2_moe", EXPERTS | dict(shared_expert_intermediate_size=32), ATTENTION_ONLY),
    Family("Qwen3", "qwen3", dict(head_dim=16)),
    Family("Qwen3-MoE", "qwen3_moe", EXPERTS | dict(head_dim=16), ATTENTION_ONLY),
    Family("Gemma", "gemma", dict(head_dim=16)),
    Family("Gemma 2", "gemma2", WINDOW | dict(head_dim=16, attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    Family("Gemma 3", "gemma3_text", WINDOW | dict(head_dim=16)),
    Family("Phi", "phi", targets=["q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"], change=every_bias),
    Family("Phi-3", "phi3", dict(sliding_window=None), QKV_IN_ONE),
    Family("Phi-3, window, longrope", "phi3", WINDOW | rope("longrope", **LONGROPE), QKV_IN_ONE),
    Family("OLMo", "olmo"),
    Family("OLMo 2", "olmo2"),
    Family("OLMo 3", "olmo3", WINDOW),
    Family("SmolLM3", "smollm3"),
    Family("GLM-4", "glm4", dict(head_dim=16), [*ATTENTION_ONLY, "gate_up_proj", "down_proj"]),
    Family("Granite", "granite", dict(logits_scaling=4.0, embedding_multiplier=2.0, residual_multiplier=0.5)),
    Family("Cohere", "cohere", dict(logit_scale=0.25)),
    Family("Cohere 2", "cohere2", WINDOW | dict(logit_scale=0.25)),
    Family("Starcoder2", "starcoder2", WINDOW, [*ATTENTION_ONLY, "c_fc", "c_proj"], change=every_bias),
    Family("StableLM", "stablelm", dict(use_qkv_bias=True), change=every_bias),
    Family("Nemotron", "nemotron", targets=[*ATTENTION_ONLY, "up_proj", "down_proj"]),
    Family("EXAONE 4", "exaone4", WINDOW | dict(sliding_window_pattern=2)),
    Family("gpt-oss", "gpt_oss", WINDOW | EXPERTS | dict(head_dim=16), ATTENTION_ONLY, change=every_bias),
    Family("Seed-OSS", "seed_oss", dict(head_dim=16)),
    Family("ERNIE 4.5", "ernie4_5"),
    Family("Arcee", "arcee", targets=[*ATTENTION_ONLY, "up_proj", "down_proj"]),
    Family("GPT-NeoX", "gpt_neox", targets=["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"]),
    Family("GPT-2", "gpt2", targets=["c_attn", "c_proj", "c_fc"]),
    Family("DiffLlama", "diffllama", refused={"engine": ATTENDS_TWICE}),
    Family(
        "Falcon", "falcon", targets=["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"],
        refused={"padding-free": OWN_ATTENTION, "checkpointed": OWN_ATTENTION, "engine": OWN_ATTENTION},
    ),
    Family(
        "BLOOM", "bloom", targets=["query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"],
        refused={"padding-free": OWN_ATTENTION, "checkpointed": OWN_ATTENTION, "engine": OWN_ATTENTION},
    ),
    Family(
        "MiniMax", "minimax", EXPERTS | dict(head_dim=16), ["q_proj"],
        refused={"padding-free": LEAKS, "checkpointed": LEAKS, "engine": LEAKS},
    ),
    Family(
        "RecurrentGemma", "recurrent_gemma", dict(attention_window_size=64), ["gate_proj", "up_proj", "down_proj"],
        refused={"padding-free": LEAKS, "checkpointed": LEAKS, "engine": LEAKS},
    ),
]  # fmt: skip


def save(family: Family, tokenizer: Any, folder: Path) -> str:
    """Write the family's model with random weights, and the tokenizer; its path."""
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[family.kind](**SHAPE | family.options))
    with torch.no_grad():
        family.change(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


HEAD = """# Models

Any causal language model that transformers loads can be a base model. Our own attention, loss and Llama layers replace the
library's where they are faster. Whether they compute the same is not taken on trust: before the first step of a training, and
before the transformers engine answers its first rows, the shortest and the longest of these rows (at most 96 tokens of each,
more where a row exceeds the model's attention window) go through transformers' own forward pass as well, each by itself. An
engine reads what the two begin with once, the rest behind it, and takes the last eight tokens of each one by one, as it does
when it writes; these are judged by themselves. Logits that differ beyond rounding refuse the run in one line with both losses
and the way out. Where rounding in bfloat16 seems too large, the library's `eager` attention is compared with its `sdpa` as
well: what those two differ by, ours may. The longest row is read once more with another second half: a model whose logits
before it move sees what it is to predict (`use_bidirectional_attention`) and is refused. Under ZeRO-3 all passes gather a
layer at a time. vLLM runs its own code of each class and leaves no memory for a second model, so nothing is compared when it
starts: that our losses, choices and greedy texts from it equal the reference engine's is tested on CPUs for Llama's class
(`tests/inference/test_engines.py`, `tests/modeling/test_vllm.py`), and for others rests on vLLM.

Each cell below is a test (`tests/modeling/test_families.py`): losses and gradients, of concatenated rows, of padded rows, under
gradient checkpointing and of LoRA adapters, and the transformers engine's losses and greedy tokens, equal those of transformers'
own forward pass for a model of the class with random weights. Classes that are not listed are compared in the same way when they
are used.

Folders whose weights are not just those that `config.json` asks for (missing, too many, of another name or shape) are refused
when they are read; so are an adapter beside the weights and a second set that an earlier save left, of which each engine would take
another, and so is a tokenizer with more tokens than the model has embeddings, or without an end token, `data.max_length`
beyond the model's `max_position_embeddings` (of a model with longrope beyond `original_max_position_embeddings`, where one long
row would turn its neighbours by other factors, and vLLM every row), and `adapter.targets` that name no projection of the layers.
Dropouts in a model's own config (residual, embedding, attention) are set to 0 in training: `model.dropout` alone says what is
dropped. Memory is planned for by Llama's shape, also for GPT-2, BLOOM, OPT and Falcon, whose keys are other ones.

"""


def table() -> Iterator[str]:
    """Lines of docs/models.md."""
    yield from HEAD.splitlines()
    yield f"| model | {' | '.join(WAYS)} | `adapter.targets` |"
    yield "|---" * (len(WAYS) + 2) + "|"
    for family in FAMILIES:
        cells = [f"refused: {family.refused[way]}" if way in family.refused else "yes" for way in WAYS]
        targets = ", ".join(f"`{target}`" for target in family.targets) or "default"
        yield f"| {family.name} | {' | '.join(cells)} | {targets} |"


if __name__ == "__main__":
    print("\n".join(table()))
