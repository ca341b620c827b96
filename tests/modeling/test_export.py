"""Export in bounded memory, and its verification: a folder tampered with after writing is refused by name and value."""

import json
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from transformers import AutoConfig, LlamaForCausalLM

from humpback_exp.config import AdapterConfig, ModelConfig, TrainConfig
from humpback_exp.modeling.export import write as exporting
from humpback_exp.modeling.export.logits import allowed, check_outputs
from humpback_exp.modeling.export.verify import check_ties, verify
from humpback_exp.modeling.export.weights import check_weights
from humpback_exp.modeling.export.write import INDEX, export
from humpback_exp.modeling.load import Model, load_model, load_tokenizer
from humpback_exp.modeling.lora import causal_lm, with_lora

SHARD = 100_000
"""Bytes; the tiny model has 558,336 in fp32, of them 262,144 in its embedding."""
EMBEDDING = "model.embed_tokens.weight"
GATE, DOWN = (f"model.layers.1.mlp.{name}_proj.weight" for name in ("gate", "down"))
EXACT = {"export_difference": 0.0, "rounding_difference": 0.0}
KEPT = "; the checkpoints are kept, the same command exports again without training"


def trained(tiny: str) -> Model:
    """The tiny model as training might have left it: weights that bfloat16 does not hold, but for two known ones."""
    model = load_model(tiny, "float32")
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1e-3 * torch.randn_like(parameter))
        model.get_parameter(GATE)[3, 5] = 0.25
        model.get_parameter(DOWN)[0, 0] = 0.125
    return model


def exported(model: Model, tiny: str, folder: Path, dtype: str = "float32") -> Callable[[], dict[str, float]]:
    """Write the model; the result verifies what then lies in the folder."""
    config = TrainConfig(model=ModelConfig(path=tiny, export_dtype=dtype))
    tokenizer = load_tokenizer(tiny, "inst")
    folder.mkdir(exist_ok=True)
    export(model, tokenizer, config.model, folder)
    return lambda: verify(model, tokenizer, config, folder, first=True)


@pytest.fixture
def sharded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "SHARD_BYTES", SHARD)


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors"))


def rewrite(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_shards_and_their_index(tiny: str, tmp_path: Path, sharded: None) -> None:
    model = trained(tiny)
    verified = exported(model, tiny, tmp_path)
    index = json.loads((tmp_path / INDEX).read_text())
    sizes = [sum(tensor.nbytes for tensor in load_file(path).values()) for path in shards(tmp_path)]
    assert [path.name for path in shards(tmp_path)] == [f"model-0000{i}-of-00005.safetensors" for i in range(1, 6)]
    assert sizes[0] == 262_144 and all(size <= SHARD for size in sizes[1:])
    assert index["metadata"]["total_size"] == sum(sizes) == 558_336
    assert index["weight_map"] == {name: path.name for path in shards(tmp_path) for name in load_file(path)}
    assert verified() == EXACT
    loaded = load_model(str(tmp_path), "float32")
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))


def test_an_unfinished_export_leaves_nothing_behind(tiny: str, tmp_path: Path) -> None:
    for name in (".shard-00007.tmp", "model-00001-of-00002.safetensors", INDEX):
        (tmp_path / name).write_text("left by a killed export")
    assert exported(trained(tiny), tiny, tmp_path)() == EXACT
    assert [path.name for path in tmp_path.iterdir() if "shard" in path.name or "safetensors" in path.name] == [
        "model.safetensors"
    ]


class LiveBytes(TorchDispatchMode):
    """Bytes of the tensors that are alive at once, but for those of `model`; a tensor counts once an operation meets it."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.alive = {p.untyped_storage()._cdata: 0 for p in model.parameters()}
        self.peak = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_flatten((args, kwargs, result))[0]:
            if isinstance(tensor, torch.Tensor) and tensor.untyped_storage()._cdata not in self.alive:
                storage = tensor.untyped_storage()
                self.alive[storage._cdata] = storage.nbytes()
                weakref.finalize(storage, self.alive.pop, storage._cdata)
        self.peak = max(self.peak, sum(self.alive.values()))
        return result


@pytest.mark.parametrize("adapter", [None, AdapterConfig(kind="lora")])
def test_memory_beyond_the_model_is_a_shard_and_a_tensor(
    tiny: str, tmp_path: Path, sharded: None, adapter: AdapterConfig | None
) -> None:
    """Twelve layers of the tiny model are twenty times a shard; its largest tensor is the embedding."""
    config = AutoConfig.from_pretrained(tiny, num_hidden_layers=12)
    model = LlamaForCausalLM(config)
    model = model if adapter is None else with_lora(model, adapter)
    largest = max(p.nbytes for p in model.parameters())
    with LiveBytes(model) as written:
        exported(model, tiny, tmp_path, "bfloat16")
    assert SHARD < written.peak <= SHARD + 2 * largest
    with LiveBytes(model) as read:
        assert check_weights(model, torch.bfloat16, tmp_path, reads=True) == 12 * 9 + 2
    assert read.peak <= 2 * largest


def change_one_element(folder: Path) -> None:
    rewrite(shards(folder)[3], lambda tensors: tensors[GATE][3, 5].fill_(0.5))


def swap_shards(folder: Path) -> None:
    first, second = shards(folder)[:2]
    first.rename(folder / "held")
    second.rename(first)
    (folder / "held").rename(second)


def blank_a_shard(folder: Path) -> None:
    rewrite(shards(folder)[4], lambda tensors: [tensor.zero_() for tensor in tensors.values()])


def drop_a_tensor(folder: Path) -> None:
    rewrite(shards(folder)[3], lambda tensors: tensors.pop(GATE))
    weight_map = json.loads((folder / INDEX).read_text())["weight_map"]
    edit(folder / INDEX, weight_map={name: file for name, file in weight_map.items() if name != GATE})


def round_a_tensor(folder: Path) -> None:
    rewrite(shards(folder)[3], lambda tensors: tensors.update({GATE: tensors[GATE].half()}))


def add_a_head(folder: Path) -> None:
    rewrite(shards(folder)[4], lambda tensors: tensors.update({"lm_head.weight": torch.zeros(1024, 64)}))
    (folder / INDEX).unlink()


def hold_a_tensor_twice(folder: Path) -> None:
    rewrite(shards(folder)[4], lambda tensors: tensors.update({GATE: torch.zeros(128, 64)}))


def cut_a_shard(folder: Path) -> None:
    path = shards(folder)[1]
    path.write_bytes(path.read_bytes()[:-100])


def break_the_tie(folder: Path) -> None:
    edit(folder / "config.json", tie_word_embeddings=False)


def forget_the_system_turn(folder: Path) -> None:
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("+ ns.system", ""))


REFUSALS = {
    change_one_element: f"{GATE}[3, 5]: 0.5 on the disk, 0.25 in training; must be equal",
    swap_shards: f"{EMBEDDING}: in model-00002-of-00005.safetensors, "
    f"but in model-00001-of-00005.safetensors by {INDEX}; must agree",
    blank_a_shard: f"{DOWN}[0, 0]: 0.0 on the disk, 0.125 in training; must be equal",
    drop_a_tensor: f"{GATE}: in no file, float32 [128, 64] in training",
    round_a_tensor: f"{GATE}: float16 [128, 64] on the disk, float32 [128, 64] in training",
    add_a_head: "lm_head.weight: in model-00005-of-00005.safetensors, but not in training",
    hold_a_tensor_twice: f"{GATE}: in model-00004-of-00005.safetensors and in model-00005-of-00005.safetensors; "
    "must be in one file",
    cut_a_shard: "model-00002-of-00005.safetensors: Error while deserializing header: "
    "incomplete metadata, file not fully covered",
    break_the_tie: "tie_word_embeddings: False in config.json, True in training",
    forget_the_system_turn: "prompt 'Name three uses of salt in a kitchen.': "
    "token 19 is 222 by the folder's tokenizer, 372 in training",
}


@pytest.mark.parametrize("tamper", REFUSALS, ids=lambda tamper: tamper.__name__)
def test_a_folder_tampered_with_is_refused(
    tiny: str, tmp_path: Path, sharded: None, tamper: Callable[[Path], None]
) -> None:
    verified = exported(trained(tiny), tiny, tmp_path)
    tamper(tmp_path)
    with pytest.raises(ValueError) as refusal:
        verified()
    assert str(refusal.value) == f"{tmp_path}: the export is not the trained model: {REFUSALS[tamper]}{KEPT}"


def test_a_tie_that_loading_breaks_is_refused(tiny: str, tmp_path: Path) -> None:
    exported(trained(tiny), tiny, tmp_path)
    loaded = LlamaForCausalLM(AutoConfig.from_pretrained(tiny, tie_word_embeddings=False))
    with pytest.raises(
        ValueError, match="^lm_head.weight: a weight of its own once loaded, tied to another in training$"
    ):
        check_ties(loaded, tmp_path)


def test_an_untied_model(tiny: str, tmp_path: Path) -> None:
    model = LlamaForCausalLM(AutoConfig.from_pretrained(tiny, tie_word_embeddings=False)).eval()
    assert exported(model, tiny, tmp_path)() == EXACT
    tied = LlamaForCausalLM(AutoConfig.from_pretrained(tiny))
    with pytest.raises(ValueError, match="^lm_head.weight: tied to another weight or unused once loaded"):
        check_ties(tied, tmp_path)


@pytest.mark.parametrize(("dtype", "rounding"), [("float32", 1e-7), ("bfloat16", 3e-3)])
def test_merged_adapters_differ_by_rounding_only(tiny: str, tmp_path: Path, dtype: str, rounding: float) -> None:
    """The trained model computes base and adapter apart, the folder merged."""
    model = with_lora(load_model(tiny, "float32"), AdapterConfig(kind="lora"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.01)
    differences = exported(model, tiny, tmp_path, dtype)()
    assert differences["export_difference"] == 0
    assert rounding / 4 < differences["rounding_difference"] < rounding * 4


def test_adapters_that_are_not_merged_are_refused(tiny: str, tmp_path: Path) -> None:
    model = with_lora(load_model(tiny, "float32"), AdapterConfig(kind="lora"))
    verified = exported(model, tiny, tmp_path)
    torch.nn.init.ones_(causal_lm(model).model.layers[0].mlp.down_proj.lora_B["default"].weight)
    with pytest.raises(
        ValueError, match=r"model.layers.0.mlp.down_proj.weight\[0, 0\]: .* on the disk, .* in training; must"
    ):
        verified()


def test_a_folder_that_goes_on_otherwise_is_refused(tiny: str, tmp_path: Path) -> None:
    """What weights, config and tokenizer do not show: the generation config that comes with them."""
    verified = exported(trained(tiny), tiny, tmp_path)
    edit(tmp_path / "generation_config.json", repetition_penalty=5.0)
    with pytest.raises(
        ValueError, match=r"salt in a kitchen.': greedy token 46 is \d+ in the folder, \d+ in training, where"
    ):
        verified()


def test_a_folder_that_computes_otherwise_is_refused(tiny: str, tmp_path: Path) -> None:
    model = trained(tiny)
    verified = exported(model, tiny, tmp_path)
    model.model.rotary_emb.inv_freq.mul_(0.5)
    with pytest.raises(
        ValueError, match=r"salt in a kitchen.': logits differ by 0.\d+ of their spread, at most 5.39e-06 may"
    ):
        verified()


def test_the_bound_grows_with_depth_and_coarseness() -> None:
    assert (allowed(1, torch.float32), allowed(1, torch.bfloat16)) == (2.0**-18, 2.0**-6)
    assert allowed(4, torch.float32) == 2 * allowed(1, torch.float32)


OURS = torch.tensor([[1.0, 1.1, -1.0, -1.1], [1.0, -1.0, 1.0, -1.0]])
"""Logits after each of two tokens; after a prompt of one token the best next is 1, and 0 is 0.1 behind."""


def test_outputs_within_the_bound() -> None:
    """What all logits of a row share changes nothing; the second best may be written where both may be off by the bound."""
    assert check_outputs("Hi", 1, [5, 1], OURS.clone(), OURS, bound=1e-6) == 0
    assert check_outputs("Hi", 1, [5, 1], OURS + 1, OURS, bound=1e-6) == pytest.approx(0, abs=1e-7)
    assert check_outputs("Hi", 1, [5, 0], OURS * 1.03, OURS, bound=0.05) == pytest.approx(0.03)


def test_outputs_beyond_the_bound() -> None:
    theirs = OURS.clone()
    theirs[0, 3] = -0.7
    logits = "prompt 'Hi': logits differ by 0.119 of their spread, at most 0.1 may, most after token 0: -0.7 in the folder, -1.1 in"
    with pytest.raises(ValueError, match=f"^{logits} training for token 3$"):
        check_outputs("Hi", 1, [5, 1], theirs, OURS, bound=0.1)
    greedy = "prompt 'Hi': greedy token 1 is 0 in the folder, 1 in training, where its logit is 0.1 less; at most 0.0821 may be"
    with pytest.raises(ValueError, match=f"^{greedy}$"):
        check_outputs("Hi", 1, [5, 0], OURS.clone(), OURS, bound=0.04)
    with pytest.raises(ValueError, match="logits differ by nan of their spread"):
        check_outputs("Hi", 1, [5, 0], OURS * float("nan"), OURS, bound=0.04)
