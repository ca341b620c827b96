"""Models that are not what their folder says, and settings that fit no model: one line each, before anything is done."""

import json
import math
import os
import shutil
import stat
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import GatedRepoError
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from humpback_exp.config import AdapterConfig, EngineConfig, OptimConfig
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.modeling.dropout import add_dropout
from humpback_exp.modeling.export.write import write_shards
from humpback_exp.modeling.load import load_model, load_tokenizer, require_context
from humpback_exp.modeling.lora import require_targets, with_lora
from humpback_exp.prompts import forward
from tests.modeling.families import FAMILIES, Family, save

Weights = dict[str, torch.Tensor]
O_PROJ = "model.layers.0.self_attn.o_proj.weight"


@pytest.fixture
def untied(byte_tokenizer, tmp_path: Path) -> Path:
    return Path(save(FAMILIES[0], byte_tokenizer, tmp_path / "untied"))


def without(name: str):
    return lambda weights: {key: value for key, value in weights.items() if key != name}


def prefixed(weights: Weights) -> Weights:
    return {f"student.{key}": value for key, value in weights.items()}


def one_layer_more(weights: Weights) -> Weights:
    more = {key.replace("layers.1", "layers.2"): value.clone() for key, value in weights.items() if "layers.1" in key}
    return weights | more


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without(O_PROJ), f"1 missing ({O_PROJ})"),
        (without("lm_head.weight"), "1 missing (lm_head.weight)"),
        (prefixed, "21 missing (lm_head.weight, model.embed_tokens.weight, "),
        (one_layer_more, "9 not of this model (model.layers.2.input_layernorm.weight, "),
        (
            lambda weights: weights | {"model.norm.weight": torch.ones(65)},
            "1 of another shape (model.norm.weight is [65] instead of [64])",
        ),
    ],
)
def test_weights_that_are_not_the_configs_are_named(untied: Path, change, told: str) -> None:
    path = untied / "model.safetensors"
    save_file(change(load_file(path)), path, metadata={"format": "pt"})
    with pytest.raises(ValueError) as caught:
        load_model(str(untied), "float32")
    line = str(caught.value)
    assert line.startswith(f"model.path={untied}: its weights are not those of its config.json: ")
    assert told in line and line.endswith("; give a whole model folder") and "\n" not in line
    with pytest.raises(ValueError, match="its weights are not those of its config.json"):
        TransformersEngine(EngineConfig(dtype="float32"), str(untied), "model_path")


def test_ties_and_old_names_are_no_fault(tiny: str, untied: Path) -> None:
    """A tied projection stands once; old Llamas hold a buffer a layer, and some folders leave `model.` out."""
    assert load_model(tiny, "float32").lm_head.weight.shape == (1024, 64)
    path = untied / "model.safetensors"
    old = load_file(path) | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8)}
    save_file(old, path, metadata={"format": "pt"})
    load_model(str(untied), "float32")
    save_file({key.removeprefix("model."): value for key, value in old.items()}, path, metadata={"format": "pt"})
    load_model(str(untied), "float32")


def test_a_tokenizer_that_does_not_fit_the_model(untied: Path, byte_tokenizer) -> None:
    config = AutoConfig.from_pretrained(untied)
    config.vocab_size = 200
    AutoModelForCausalLM.from_config(config).save_pretrained(untied)
    with pytest.raises(ValueError, match="its tokenizer gives ids up to 257, its model has embeddings for 200 tokens"):
        load_tokenizer(str(untied))


def test_a_tokenizer_without_an_end_token(untied: Path) -> None:
    path = untied / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token": None}))
    with pytest.raises(ValueError, match="its tokenizer has no end token; set eos_token in tokenizer_config.json"):
        load_tokenizer(str(untied))


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ bos_token }}", "its chat template leaves out what the user says; mend chat_template.jinja"),
        (
            "{% for m in messages %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endfor %}",
            "its chat template leaves out what the user says; mend",
        ),
        ("{% for m in messages %}", "its chat template fails (TemplateSyntaxError: Unexpected end of template."),
        ("{{ messages | sorted }}", "its chat template fails (TemplateAssertionError: No filter named 'sorted'.)"),
        ("{{ tools[0].name }}", "its chat template fails (UndefinedError: None has no element 0); mend"),
        ("{{ 1 / 0 }}", "its chat template fails (ZeroDivisionError: division by zero); mend"),
    ],
)
def test_a_chat_template_that_does_not_say_what_is_asked(untied: Path, template: str, told: str) -> None:
    (untied / "chat_template.jinja").write_text(template)
    with pytest.raises(ValueError) as caught:
        load_tokenizer(str(untied))
    assert str(caught.value).startswith(f"model.path={untied}: {told}") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("config.json", {"hidden_act": "nope"}, "(KeyError: 'nope')"),
        (
            "config.json",
            {"num_attention_heads": 7},
            "The hidden size (64) is not a multiple of the number of attention",
        ),
        ("config.json", {"vocab_size": "many"}, "Field 'vocab_size' expected int, got str (value: 'many')"),
        ("config.json", {"model_type": "nope"}, "has model type `nope` but Transformers does not recognize"),
        ("tokenizer_config.json", {"eos_token": 2}, "(TypeError: Special token eos_token has to be either str or"),
        ("tokenizer_config.json", [], "(AttributeError: 'list' object has no attribute 'get')"),
        ("tokenizer.json", {"added_tokens": 1}, "are not what transformers takes ("),
    ],
)
def test_files_of_a_model_with_values_that_nobody_thought_of(untied: Path, file: str, change, told: str) -> None:
    path = untied / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change if isinstance(change, dict) else change))
    with pytest.raises(ValueError) as caught:
        load_tokenizer(str(untied))
        load_model(str(untied), "float32")
    line = str(caught.value)
    assert line.startswith(f"model.path={untied}: its config, tokenizer or weights are not what transformers takes (")
    assert told in line and "\n" not in line


def test_rows_longer_than_the_model_takes(untied: Path) -> None:
    require_context(str(untied), 512)
    with pytest.raises(ValueError, match=r"^data.max_length=513: .* takes 512 tokens \(max_position_embeddings\)"):
        require_context(str(untied), 513)


def test_no_row_is_turned_otherwise_by_a_longer_neighbour(byte_tokenizer, tmp_path: Path) -> None:
    """Longrope's long factors, which the library takes for a whole batch: rows that would bring them are refused or overflow."""
    rope = {"rope_type": "longrope", "rope_theta": 10000.0, "short_factor": [1.0] * 8, "long_factor": [2.0] * 8}
    options = {"rope_parameters": rope, "original_max_position_embeddings": 64}
    path = save(Family("Phi-3", "phi3", options), byte_tokenizer, tmp_path)
    require_context(path, 64)
    with pytest.raises(
        ValueError, match=r"^data.max_length=65: .* takes 64 tokens \(original_max_position_embeddings of"
    ):
        require_context(path, 65)
    engine = TransformersEngine(EngineConfig(dtype="float32", batch_size=3), path, "model_path")
    rows = [forward("Hi", []), forward("word " * 20, [])]
    alone = engine.losses(rows[:1], ["yes"], lambda *_: None)[0]
    (loss, labels), (too_long, nothing) = engine.losses(rows, ["yes", "no"], lambda *_: None)
    assert (loss, labels) == (pytest.approx(alone[0], rel=1e-6), 4)
    assert math.isnan(too_long) and nothing == 0


@pytest.mark.parametrize("target", ["lm_head", "embed_tokens", "query_key_value"])
def test_lora_targets_that_are_no_projection_of_a_layer(untied: Path, target: str) -> None:
    with pytest.raises(ValueError) as caught:
        with_lora(load_model(str(untied), "float32"), AdapterConfig(kind="lora", targets=["q_proj", target]))
    assert str(caught.value) == (
        f"adapter.targets={target}: no projection in the layers of a LlamaForCausalLM; "
        "choose among down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj"
    )


def test_the_default_lora_targets_are_not_those_of_phi3(byte_tokenizer, tmp_path: Path) -> None:
    phi3 = next(family for family in FAMILIES if family.name == "Phi-3")
    model = load_model(save(phi3, byte_tokenizer, tmp_path), "float32")
    with pytest.raises(ValueError, match=r"^adapter.targets=q_proj: .* choose among down_proj, gate_up_proj, o_proj"):
        with_lora(model, AdapterConfig(kind="lora"))


def test_a_folder_with_two_sets_of_weights(untied: Path) -> None:
    """Each engine would take another."""
    whole, part = untied / "model.safetensors", untied / "model-00001-of-00001.safetensors"
    shutil.copy(whole, part)
    said = r"^m=.*: holds two sets of weights, model.safetensors and model-00001-of-00001.safetensors; remove those"
    with pytest.raises(ValueError, match=said):
        load_model(str(untied), "float32", key="m")
    with safe_open(part, "pt") as file:
        index = {"metadata": {}, "weight_map": dict.fromkeys(file.keys(), part.name)}
    (untied / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"two sets of weights, model.safetensors and model.safetensors.index.json"):
        load_model(str(untied), "float32")
    whole.unlink()
    load_model(str(untied), "float32")


def test_an_adapter_beside_the_weights(untied: Path) -> None:
    """transformers would add it to them without a word."""
    peft = get_peft_model(load_model(str(untied), "float32"), LoraConfig(r=2, target_modules=["q_proj"]))
    peft.save_pretrained(untied)
    with pytest.raises(
        ValueError, match=r"^model.path=.*: holds an adapter \(adapter_config.json\), .* merge it and remove"
    ):
        load_model(str(untied), "float32")


def test_a_target_that_some_layers_lack_is_told(untied: Path, caplog) -> None:
    model = load_model(str(untied), "float32")
    del model.model.layers[1].self_attn.q_proj
    require_targets(model, ["q_proj", "k_proj"])
    assert caplog.messages == ["adapter.targets=q_proj: in 1 of 2 layers only"]


def test_dropout_where_a_layer_has_no_such_branches(untied: Path) -> None:
    model = load_model(str(untied), "float32")
    model.model.layers[0].linear = model.model.layers[0].__dict__["_modules"].pop("mlp")
    with pytest.raises(
        ValueError, match=r"^model.dropout=0.1: a LlamaDecoderLayer has none of mlp, .*; set model.drop"
    ):
        add_dropout(model, 0.1)


def test_a_rate_that_destroys_every_weight() -> None:
    with pytest.raises(ValueError, match=r"^optim.lr=1e\+30: must be 1 or less"):
        OptimConfig(lr=1e30)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_exported_weights_are_readable_as_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_shards(iter([("a", torch.ones(2))]), tmp_path, writes=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model.safetensors").stat().st_mode) == 0o666 & ~umask


def test_a_folder_without_weights(untied: Path) -> None:
    (untied / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"^model.path=.*: damaged or incomplete"):
        load_model(str(untied), "float32")
    shutil.rmtree(untied)
    with pytest.raises(ValueError, match=r"no such folder"):
        load_model(str(untied), "float32")


def test_a_model_on_the_hub_that_wants_a_licence(monkeypatch) -> None:
    """As transformers tells it: an OSError of several lines, whose cause is the Hub's."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("You are trying to access a gated repo.\nMake sure to have access") from GatedRepoError.__new__(
            GatedRepoError
        )

    monkeypatch.setattr(AutoConfig, "from_pretrained", refuse)
    with pytest.raises(ValueError) as caught:
        require_context("meta-llama/Llama-2-70b-hf", 512)
    assert str(caught.value) == (
        "model.path=meta-llama/Llama-2-70b-hf: a gated model; ask for access at https://huggingface.co/meta-llama/"
        "Llama-2-70b-hf, then run hf auth login or set HF_TOKEN (You are trying to access a gated repo.)"
    )
