"""Disk, main memory and KV cache, added up by hand."""

from humpback_exp.config import AugmentConfig
from humpback_exp.planning.disk import model_folder
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.machine import GIB
from humpback_exp.planning.model_shape import shape_of
from humpback_exp.planning.node_memory import node_memory
from humpback_exp.planning.requests import requests_of
from humpback_exp.planning.sizes import sizes_of
from humpback_exp.planning.training import Training
from tests.test_configs import composed

BILLIONS = 65_285_660_672


def generation(*overrides: str) -> Generation:
    config = composed("plan", *overrides)
    requests = requests_of(AugmentConfig(), config, sizes_of(config, {}))
    return Generation("augment", shape_of(config.model), config.engine, requests)


def test_a_model_folder_holds_its_export_and_for_a_while_checkpoints() -> None:
    """120 steps save after 50, 100 and 120; a checkpoint is 12 bytes a parameter, the export 2.

    Under ZeRO-3 a fourth may stand beside the three: the copy that other ranks go on from.
    """
    hardware, every = composed("plan").hardware, "trainer.checkpoint_every=50"
    trained = composed("train", "model=llama65b", every)
    folder = model_folder(Training(trained, 3200, 300, batch=32, steps=120), hardware)
    assert (folder.kept, folder.most) == (2 * BILLIONS, (2 + 4 * 12) * BILLIONS)
    assert folder.written == (2 + 3 * 12) * BILLIONS
    assert model_folder(Training(trained, 3200, 300, batch=32, steps=1000), hardware).most == folder.most
    assert model_folder(Training(trained, 3200, 300, batch=32, steps=50), hardware).most == (2 + 2 * 12) * BILLIONS
    whole = composed("train", "model=llama65b", "trainer.strategy=ddp", every)
    assert model_folder(Training(whole, 3200, 300, batch=32, steps=120), hardware).most == (2 + 3 * 12) * BILLIONS


def test_checkpoints_are_twenty_minutes_apart() -> None:
    """65B on 16 A100 takes 4.6 s a step, bound by its network: 261 steps, seven saves of 0.71 TiB in the 1,600 of M1."""
    hardware, trained = composed("plan").hardware, composed("train", "model=llama65b")
    run_of = Training(trained, 45_021, 478, batch=32, steps=1600)
    step = run_of.seconds(hardware) / 1600
    assert run_of.checkpoint_every(hardware) == round(1200 / step) == 261
    assert model_folder(run_of, hardware).written == (2 + 7 * 12) * BILLIONS
    assert Training(composed("train", "trainer.checkpoint_every=7"), 10, 10, 8, 100).checkpoint_every(hardware) == 7


def test_a_node_reads_its_share_of_a_checkpoint() -> None:
    node = node_memory(composed("train", "model=llama65b"))
    assert (node.load, node.training, node.resume) == (BILLIONS, 0, 6 * BILLIONS)
    assert node_memory(composed("train", "model=llama65b", "trainer.strategy=zero3_offload")).training == 8 * BILLIONS


def test_the_cache_holds_keys_and_values_of_full_rows() -> None:
    """bf16; grouped attention with 8 of 64 heads takes an eighth."""
    made, grouped = generation("model=llama65b"), generation("model=llama2_70b")
    assert made.cached_row == 2 * (2 * 80 * 64 * 128) * made.row
    assert grouped.cached_row == made.cached_row // 8


def test_transformers_holds_a_whole_batch_on_one_gpu() -> None:
    """61 GiB of weights and 2 of cache fit 80 GB; with the cache of 64 rows they do not."""
    hardware = composed("plan").hardware
    small, large = (generation("model=llama33b", "engine=gpu", f"engine.batch_size={size}") for size in (1, 64))
    assert (small.gpus(hardware), large.gpus(hardware)) == (1, None)
    assert large.rows(hardware) == 64


def test_vllm_takes_as_many_rows_as_there_is_room_for() -> None:
    """65B on four GPUs of 80 GiB: 4 x (0.9 x 80 - 2) GiB less 122 of weights hold 57 rows of 2.8 GiB."""
    made, hardware = generation("model=llama65b"), composed("plan").hardware
    free = 4 * (0.9 * 80 - 2) * GIB - 2 * BILLIONS
    assert (made.gpus(hardware), made.rows(hardware)) == (4, int(free / made.cached_row))
    assert generation("model=llama65b", "engine.batch_size=8").rows(hardware) == 8
