"""Disk, main memory and KV cache, added up by hand."""

import pytest

from humpback_exp.planning.disk import model_folder
from humpback_exp.planning.generation import Generation
from humpback_exp.planning.memory import node_memory
from humpback_exp.planning.requests import augment_requests, score_requests
from humpback_exp.planning.shapes import shape_of
from humpback_exp.planning.sizes import sizes_of
from humpback_exp.planning.training import Training
from humpback_exp.workflow.loop import Loop
from tests.test_configs import composed

BILLIONS = 65_285_660_672


def generation(*overrides: str) -> Generation:
    config = composed("plan", *overrides)
    requests = augment_requests(config, sizes_of(config, {}))
    return Generation("augment", shape_of(config.model), config.engine, requests)


def test_a_model_folder_holds_its_export_and_for_a_while_checkpoints() -> None:
    """120 steps save after 50, 100 and 120; a checkpoint is 12 bytes a parameter, the export 2.

    Under ZeRO-3 a fourth may stand beside the three: the copy that other ranks go on from.
    """
    trained = composed("train", "model=llama65b")
    folder = model_folder(Training(trained, 3200, 300, batch=32, steps=120))
    assert (folder.kept, folder.most) == (2 * BILLIONS, (2 + 4 * 12) * BILLIONS)
    assert folder.written == (2 + 3 * 12) * BILLIONS
    assert model_folder(Training(trained, 3200, 300, batch=32, steps=1000)).most == folder.most
    assert model_folder(Training(trained, 3200, 300, batch=32, steps=50)).most == (2 + 2 * 12) * BILLIONS
    whole = composed("train", "model=llama65b", "trainer.strategy=ddp")
    assert model_folder(Training(whole, 3200, 300, batch=32, steps=120)).most == (2 + 3 * 12) * BILLIONS


def test_a_node_reads_its_share_of_a_checkpoint() -> None:
    node = node_memory(composed("train", "model=llama65b"))
    assert (node.load, node.training, node.resume) == (BILLIONS, 0, 6 * BILLIONS)
    assert node_memory(composed("train", "model=llama65b", "trainer.strategy=zero3_offload")).training == 8 * BILLIONS


def test_the_cache_holds_keys_and_values_of_full_rows() -> None:
    """bf16, 64 rows; grouped attention with 8 of 64 heads takes an eighth."""
    made, grouped = generation("model=llama65b"), generation("model=llama2_70b")
    assert made.cache == 2 * (2 * 80 * 64 * 128) * 64 * made.row
    assert grouped.cache == made.cache // 8


def test_gpus_of_a_copy() -> None:
    """122 GiB of weights and 22 of cache fit two GPUs of 80; no node holds the cache of 1,024 rows."""
    hardware = composed("plan").hardware
    small, large = (
        generation("model=llama65b", "engine.batch_size=8"),
        generation("model=llama65b", "engine.batch_size=1024"),
    )
    assert (small.gpus(hardware), large.gpus(hardware)) == (2, None)


def test_unreadable_ratings_are_asked_for_again() -> None:
    """A tenth of them twice, a hundredth three times."""
    config = composed("plan", "sizes.segments=1000", "sizes.unreadable=0.1")
    stage = Loop(config).score("m0", "models/m0")
    assert score_requests(config, sizes_of(config, {}), stage)[0].count == 1000 * 1.11


def test_a_rubric_without_the_output_reads_less() -> None:
    """352 characters of instruction in its own prompt, instead of 1,722 more of output."""
    config = composed("plan")
    sizes, loop = sizes_of(config, {}), Loop(config)
    (whole,) = score_requests(config, sizes, loop.score("m0", "models/m0", rubric=config.rubric))
    (blind,) = score_requests(config, sizes, loop.score("m0", "models/m0", rubric=config.instruction_rubric))
    less = len(config.rubric.prompt) - len(config.instruction_rubric.prompt) + 1722
    assert whole.prompt - blind.prompt == pytest.approx(less / 3.8)
