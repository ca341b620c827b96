"""Bytes by part, for shapes small enough to add up by hand; docs/planner.md compares them with measured peaks."""

from dataclasses import replace

import pytest

from benchmarks.memory import CASES, compare
from humpback_exp.config.cpu import has_bf16
from humpback_exp.planning.memory import PROGRAM, training_memory
from tests.test_configs import composed

BILLIONS = 6_738_415_616


def test_zero3_splits_what_full_training_holds() -> None:
    """16 bytes a parameter either way: fp32 throughout, or bf16 with fp32 master weights."""
    whole = training_memory(composed("train", "model=llama7b", "trainer=gpu"))
    split = training_memory(composed("train", "model=llama7b", "trainer=zero3"))
    assert (whole.weights, whole.gradients, whole.optimiser) == (4 * BILLIONS, 4 * BILLIONS, 8 * BILLIONS)
    assert (split.weights, split.gradients, split.optimiser) == (BILLIONS // 4, BILLIONS // 4, 12 * (BILLIONS // 8))


def test_checkpointing_keeps_the_inputs_of_layers_only() -> None:
    """32 layers x 8,192 tokens x 4,096 numbers of 4 bytes."""
    kept = training_memory(composed("train", "model=llama7b", "trainer=gpu"))
    assert kept.activations == 32 * 8192 * 4096 * 4
    everything = composed("train", "model=llama7b", "trainer=gpu", "trainer.gradient_checkpointing=false")
    assert training_memory(everything).activations > 10 * kept.activations


def test_logits_are_those_of_one_chunk() -> None:
    """512 x 32,000 logits in bf16 and fp32; the output matrix's gradient in fp32 and one chunk's in bf16, its bf16 copy;
    the hidden states' gradients."""
    config = composed("train", "model=llama7b", "trainer=gpu")
    matrix, chunk = 32000 * 4096, 512 * 32000
    assert training_memory(config).loss == 8192 * 4096 * 8 + (2 + 4 + 2) * matrix + 6 * chunk


def test_lora_trains_little() -> None:
    memory = training_memory(composed("train", "model=llama7b", "trainer=gpu", "adapter=lora", "model.dtype=bfloat16"))
    trained = memory.gradients // 4
    assert trained == 32 * 16 * (4 * 2 * 4096 + 3 * (4096 + 11008))
    assert (memory.weights, memory.optimiser) == (2 * BILLIONS + 4 * trained, 8 * trained)


def test_offload_leaves_the_optimiser_to_the_host() -> None:
    memory = training_memory(composed("train", "model=llama65b", "trainer.strategy=zero3_offload"))
    assert memory.optimiser == 0


def test_the_peak_is_the_largest_phase() -> None:
    memory = training_memory(composed("train", "model=llama65b"))
    passing = memory.gathered + memory.activations + max(memory.layer, memory.loss)
    assert memory.peak == memory.resident + max(passing, memory.update)
    assert memory.load < memory.peak and memory.resume < memory.peak


def test_on_a_cpu_the_program_and_its_holes_count() -> None:
    """The holes are as large as activations, less what gradients fill between two steps."""
    memory = training_memory(composed("train", "experiment=laptop", "model=smollm2", "trainer=cpu"))
    assert (memory.program, memory.holes) == (PROGRAM, memory.activations - memory.gradients)
    assert memory.peak == PROGRAM + memory.in_use + memory.holes
    full = training_memory(
        composed("train", "model=smollm2", "trainer=cpu", "data.max_length=64", "optim.batch_size=1")
    )
    assert full.activations < full.gradients and full.holes == 0
    gpu = training_memory(composed("train", "model=llama7b", "trainer=gpu"))
    assert (gpu.program, gpu.holes, gpu.peak) == (0, 0, gpu.in_use)


@pytest.mark.slow
def test_a_training_on_a_cpu_holds_what_is_predicted() -> None:
    """Four passes of two examples of 1,024 tokens, LoRA on 42 million parameters: without holes 24 % less would be predicted.

    In fp32 where bf16 would take a quarter of an hour; there 12 to 16 % more was predicted than runs held, so too little may be
    missing by less than too much.
    """
    (case,) = (case for case in CASES if case.name == "as trained, small, LoRA, 2 x 1024")
    predicted, measured = compare(case if has_bf16() else replace(case, precision="fp32"))["step"]
    assert 0.9 * measured < predicted < 1.25 * measured
