"""Exact parameter counts, and the refusal of what this machine cannot carry."""

import pytest

from humpback_exp import planning
from tests.conftest import one_line_error, run
from tests.test_configs import composed


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("llama7b", 6_738_415_616),
        ("llama33b", 32_528_943_616),
        ("llama65b", 65_285_660_672),
        ("llama2_70b", 68_976_648_192),
        ("smollm2", 134_515_008),
    ],
)
def test_parameter_counts(model: str, parameters: int) -> None:
    assert planning.shape_of(composed("train", f"model={model}").model).parameters == parameters


def test_the_shape_of_a_folder_is_read_from_it(tiny: str) -> None:
    from humpback_exp.modeling.load import load_model

    config = composed("train", "model=llama65b", f"model.path={tiny}")
    counted = sum(p.numel() for p in load_model(tiny, "float32").parameters())
    assert planning.shape_of(config.model).parameters == counted


@pytest.mark.parametrize(("model", "nodes"), [("llama7b", 1), ("llama33b", 1), ("llama65b", 2), ("llama2_70b", 2)])
def test_suggestions(model: str, nodes: int) -> None:
    assert f"{nodes} node(s) of 8 x 80 GB" in planning.suggestion(composed("train", f"model={model}"))


def test_zero3_splits_what_full_training_holds() -> None:
    whole = planning.training_bytes(composed("train", "model=llama7b", "trainer=gpu"))
    split = planning.training_bytes(composed("train", "model=llama7b", "trainer=zero3"))
    assert whole["weights"] + whole["gradients and optimiser"] == 16 * 6_738_415_616
    assert split["weights"] + split["gradients and optimiser"] == 2 * 6_738_415_616


def test_the_signature_command_is_refused_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "gpu_memories", lambda: [])
    with pytest.raises(ValueError, match=r"65.29 billion .* this machine has no GPU; use 2 node\(s\) of 8 x 80 GB"):
        planning.check(composed("train", "model=llama65b", "data=curated_a5"))


def test_gpus_that_are_there_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = [24 * planning.GIB] * 8, [80 * planning.GIB] * 8
    config = composed("train", "model=llama7b", "trainer=zero3")
    monkeypatch.setattr(planning, "gpu_memories", lambda: large)
    planning.check(config)
    monkeypatch.setattr(planning, "gpu_memories", lambda: small[:4])
    with pytest.raises(ValueError, match=r"this machine has 4 x 24.0 GiB"):
        planning.check(config)


@pytest.mark.skipif(bool(planning.gpu_memories()), reason="this machine has GPUs")
def test_the_refusal_is_one_line() -> None:
    """Said before torch is imported or any input is looked for."""
    line = one_line_error(run("train.py", "model=llama65b", "data=curated_a5"))
    assert "this machine has no GPU" in line


def test_too_little_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "host_memory", lambda: planning.GIB)
    with pytest.raises(ValueError, match=r"GiB of main memory, 1.0 GiB are free"):
        planning.check(composed("train", "model=llama7b", "trainer=cpu"))
