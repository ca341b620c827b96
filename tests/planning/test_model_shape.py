"""Parameter counts: exact, and those of transformers' own models."""

import json
from pathlib import Path

import pytest

from humpback_exp.config import ModelConfig
from humpback_exp.planning.context import context_of
from humpback_exp.planning.model_shape import shape_of
from tests.modeling.families import SHAPE
from tests.test_configs import composed

COUNTS = {
    "llama7b": 6_738_415_616,
    "llama33b": 32_528_943_616,
    "llama65b": 65_285_660_672,
    "llama2_70b": 68_976_648_192,
    "smollm2": 134_515_008,
}


@pytest.mark.parametrize("model", COUNTS)
def test_parameter_counts(model: str) -> None:
    assert shape_of(composed("train", f"model={model}").model).parameters == COUNTS[model]


def test_a_shape_in_conf_may_have_wide_heads() -> None:
    shape = shape_of(composed("train", "model=gemma3").model)
    assert (shape.head, shape.query, shape.kv) == (256, 1024, 256)
    assert shape.parameters == 268_065_920  # Gemma's further norms hold 32,256 more


def test_shapes_of_older_classes_are_read_by_their_own_keys(tmp_path: Path) -> None:
    held = {
        "model_type": "gpt2",
        "n_layer": 2,
        "n_embd": 64,
        "n_head": 4,
        "n_inner": None,
        "n_positions": 256,
        "vocab_size": 300,
    }
    (tmp_path / "config.json").write_text(json.dumps(held))
    shape = shape_of(ModelConfig(path=str(tmp_path)))
    assert (shape.layers, shape.hidden, shape.intermediate, shape.heads, shape.context) == (2, 64, 256, 4, 256)
    (tmp_path / "config.json").write_text(json.dumps(held | {"model_type": "gpt5"}))
    with pytest.raises(ValueError, match="no Llama-shaped model, its config.json lacks intermediate_size"):
        shape_of(ModelConfig(path=str(tmp_path)))


@pytest.mark.parametrize("model", ["llama7b", "llama33b", "llama65b", "llama2_70b"])
def test_transformers_counts_the_same(model: str) -> None:
    """On the meta device, from a LlamaConfig of our numbers; adapters as peft makes them."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    config = composed("train", f"model={model}", "adapter=lora")
    held = LlamaConfig(
        num_hidden_layers=config.model.layers,
        hidden_size=config.model.hidden,
        intermediate_size=config.model.intermediate,
        num_attention_heads=config.model.heads,
        num_key_value_heads=config.model.kv_heads,
        vocab_size=config.model.vocabulary,
        tie_word_embeddings=config.model.tied,
    )
    with torch.device("meta"):
        made = LlamaForCausalLM(held)
        assert sum(p.numel() for p in made.parameters()) == COUNTS[model]
        targets = config.adapter.targets
        adapted = get_peft_model(
            made, LoraConfig(r=config.adapter.rank, target_modules=targets), low_cpu_mem_usage=True
        )
    trained = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert shape_of(config.model).trained(config.adapter) == trained


def test_the_shape_of_a_folder_is_read_from_it(tiny: str) -> None:
    from humpback_exp.modeling.load import load_model

    config = composed("train", "model=llama65b", f"model.path={tiny}")
    counted = sum(p.numel() for p in load_model(tiny, "float32").parameters())
    assert shape_of(config.model).parameters == counted


@pytest.mark.parametrize("head_dim", [8, 64])
@pytest.mark.parametrize("kind", ["mistral", "gemma"])
def test_heads_may_be_wider_or_narrower_than_their_share(kind: str, head_dim: int, tmp_path: Path) -> None:
    """As in Gemma, Qwen3 and Mistral-Nemo: counts of parameters and of LoRA's are those of transformers and peft."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    sizes = SHAPE | {"head_dim": head_dim, "tie_word_embeddings": kind == "gemma"}
    held = CONFIG_MAPPING[kind](**sizes)
    held.save_pretrained(tmp_path)
    config = composed("train", f"model.path={tmp_path}", "adapter=lora")
    shape = shape_of(config.model)
    with torch.device("meta"):
        made = AutoModelForCausalLM.from_config(held)
        assert shape.parameters == sum(p.numel() for p in made.parameters())
        wanted = LoraConfig(r=config.adapter.rank, target_modules=config.adapter.targets)
        adapted = get_peft_model(made, wanted, low_cpu_mem_usage=True)
    assert shape.trained(config.adapter) == sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert (shape.query, shape.cached_numbers) == (4 * head_dim, 2 * 2 * 2 * head_dim)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"vocab_size": "many"}', "its config.json has vocab_size='many'; must be a whole number above 0"),
        ('{"hidden_size": 0}', "its config.json has hidden_size=0; must be a whole number above 0"),
        ('{"head_dim": 1.5}', "its config.json has head_dim=1.5; must be a whole number above 0"),
        ("[]", "its config.json holds no object; give a whole model folder"),
        (
            "{",
            "its config.json is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
        ),
    ],
)
def test_a_config_of_odd_values_is_told(tiny: str, tmp_path: Path, text: str, told: str) -> None:
    whole = json.loads((Path(tiny) / "config.json").read_text())
    changed = json.dumps(whole | json.loads(text)) if text.startswith('{"') else text
    (tmp_path / "config.json").write_text(changed)
    with pytest.raises(ValueError) as caught:
        shape_of(ModelConfig(path=str(tmp_path)))
    assert str(caught.value) == f"model.path={tmp_path}: {told}"


def test_grouped_attention_caches_fewer_keys() -> None:
    """80 layers, keys and values: 64 heads of 128 in LLaMA 65B, 8 in LLaMA 2 70B."""
    cached = {m: shape_of(composed("train", f"model={m}").model).cached_numbers for m in ("llama65b", "llama2_70b")}
    assert cached == {"llama65b": 2 * 80 * 64 * 128, "llama2_70b": 2 * 80 * 8 * 128}


@pytest.mark.parametrize(
    ("held", "tokens"),
    [
        ({"max_position_embeddings": 2048}, 2048),
        ({}, None),
        (
            {
                "max_position_embeddings": 131072,
                "original_max_position_embeddings": 4096,
                "rope_scaling": {"type": "su", "short_factor": [1.0], "long_factor": [2.0]},
            },
            4096,
        ),
        (
            {
                "max_position_embeddings": 131072,
                "rope_parameters": {"rope_type": "longrope", "original_max_position_embeddings": 8192},
            },
            8192,
        ),
        (
            {
                "max_position_embeddings": 131072,
                "rope_parameters": {
                    "sliding_attention": {"rope_type": "default"},
                    "full_attention": {"rope_type": "longrope", "original_max_position_embeddings": 4096},
                },
            },
            4096,
        ),
        (
            {
                "max_position_embeddings": 131072,
                "rope_scaling": {"rope_type": "llama3", "original_max_position_embeddings": 8192},
            },
            131072,
        ),
    ],
)  # fmt: skip
def test_a_context_ends_where_longrope_would_turn_all_rows_otherwise(held: dict, tokens: int | None) -> None:
    assert context_of(held) == tokens
