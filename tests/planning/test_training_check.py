"""The refusal of what this machine cannot carry, and what would carry it."""

from pathlib import Path

import pytest

from humpback_exp.execution.launch import launch
from humpback_exp.planning import machine
from humpback_exp.planning.machine import GIB
from humpback_exp.planning.training_check import check_training, suggestion
from tests.conftest import one_line_error, run
from tests.test_configs import composed


def gpus(monkeypatch: pytest.MonkeyPatch, count: int, gib: int) -> None:
    monkeypatch.setattr(machine, "gpu_memories", lambda: [gib * GIB] * count)


@pytest.mark.parametrize(("model", "nodes"), [("llama7b", 1), ("llama33b", 1), ("llama65b", 2), ("llama2_70b", 2)])
def test_model_configs_name_the_nodes_they_need(model: str, nodes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    config = composed("train", f"model={model}")
    assert (config.trainer.devices, config.trainer.nodes) == (8, nodes)
    assert f"{nodes} node(s) of 8 x 80 GB" in suggestion(config)
    gpus(monkeypatch, 8, 80)
    check_training(config)


def test_a_small_batch_does_not_bound_the_ranks() -> None:
    """Eight examples a step over sixteen ranks: half of them repeat an example that counts nothing."""
    config = composed("train", "model=llama65b", "optim.batch_size=8")
    assert suggestion(config).startswith("2 node(s) of 8 x 80 GB")
    assert config.trainer.passes(8, 2048) == 1


def test_no_cluster_is_enough_for_long_rows() -> None:
    config = composed("train", "model=llama65b", "data.max_length=500000", "model.context=500000")
    assert suggestion(config) == "GPUs with more than 80 GB (64 nodes of them are not enough)"


def test_the_signature_command_is_refused_here(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 0, 0)
    with pytest.raises(ValueError, match=r"65.29 billion .* this machine has no GPU; use 2 node\(s\) of 8 x 80 GB"):
        launch(composed("train", "model=llama65b", "data=curated_a5"))


def test_a_node_that_could_is_told_how_to_start_the_ranks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpus(monkeypatch, 8, 80)
    config = composed("train", "model=llama65b", f"output_root={tmp_path}", f"model.path={tmp_path}")
    with pytest.raises(ValueError, match=r"trainer.nodes=2: start the ranks .* torchrun --nnodes=2 --nproc-per-node=8"):
        launch(config)


def test_gpus_that_are_there_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    config = composed("train", "model=llama7b", "trainer=zero3")
    gpus(monkeypatch, 8, 80)
    check_training(config)
    gpus(monkeypatch, 4, 24)
    with pytest.raises(ValueError, match=r"this machine has 4 x 24.0 GiB"):
        check_training(config)


@pytest.mark.skipif(bool(machine.gpu_memories()), reason="this machine has GPUs")
def test_the_refusal_is_one_line() -> None:
    """Said before torch is imported or any input is looked for."""
    line = one_line_error(run("train.py", "model=llama65b", "data=curated_a5"))
    assert "this machine has no GPU" in line


def test_too_little_main_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "host_memory", lambda: GIB)
    with pytest.raises(ValueError, match=r"GiB of main memory, 1.0 GiB are free"):
        check_training(composed("train", "model=llama7b", "trainer=cpu"))


@pytest.mark.parametrize(
    ("room", "pass_size", "advice"),
    [
        (20, "", "use trainer.micro_tokens=4096, 1 node"),
        (9, "", "use trainer.micro_tokens=2048, 1 node"),
        (9, "trainer.micro_batch=8", "use trainer.micro_batch=null trainer.micro_tokens=2048, 1 node"),
        (3, "", "use 1 node"),
    ],
)
def test_a_smaller_pass_is_advised_where_it_fits(
    room: int, pass_size: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "host_memory", lambda: room * GIB)
    options = ["model=smollm2", "trainer.precision=fp32", "optim.batch_size=8", *filter(None, [pass_size])]
    with pytest.raises(ValueError, match=rf"{room}.0 GiB are free; {advice}") as refused:
        check_training(composed("train", *options))
    if "micro_tokens" in advice:
        check_training(composed("train", *options, *str(refused.value).split("use ")[1].split(",")[0].split()))
