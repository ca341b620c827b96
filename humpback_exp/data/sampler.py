"""Which examples an optimiser step sees: a pure function of (seed, step), so resuming needs one integer."""

import math

import numpy as np

from humpback_exp.config import OptimConfig

PAPER_STEPS = {100: 30, 800: 300, 1600: 600, 3200: 500, 6400: 600, 12800: 600, 25600: 1200, 51200: 1600}
"""Examples -> optimiser steps (paper Table 18)."""


def paper_batch_size(examples: int) -> int:
    """8 when training on fewer than 3,000 examples, else 32 (paper section 3.1)."""
    return 8 if examples < 3000 else 32


def paper_steps(examples: int) -> int:
    """Optimiser steps for a data size: the table's, between its rows those of the row nearest in ratio of the same batch size.

    The paper gives no rule outside its rows. Below 100 examples the first row's 2.4 epochs are kept, above 51,200 the
    last row's single epoch. The steps of a row belong to its batch: 2,999 examples take the 600 steps of 8 that 1,600 take (1.6
    epochs), not the 500 steps of 32 that 3,200 take.
    """
    smallest, largest = min(PAPER_STEPS), max(PAPER_STEPS)
    if examples < smallest:
        return max(1, round(PAPER_STEPS[smallest] * examples / smallest))
    if examples > largest:
        return round(PAPER_STEPS[largest] * examples / largest)
    rows = [size for size in PAPER_STEPS if paper_batch_size(size) == paper_batch_size(examples)]
    nearest = min(rows, key=lambda size: abs(np.log(size / examples)))
    return PAPER_STEPS[nearest]


def step_indices(seed: int, step: int, examples: int, batch_size: int) -> list[int]:
    """Indices of the examples of optimiser step `step`, counted from 0.

    Epoch e is a permutation drawn from (seed, e); steps run on through epoch ends, so each holds exactly `batch_size`
    examples and every example is seen once before any is seen twice.
    """
    positions = range(step * batch_size, (step + 1) * batch_size)
    epochs = {p // examples for p in positions}
    permutations = {e: np.random.Generator(np.random.PCG64([seed, e])).permutation(examples) for e in epochs}
    return [int(permutations[p // examples][p % examples]) for p in positions]


def assign_micro_batches(lengths: list[int], micro_batch: int, ranks: int, similar_lengths: bool) -> list[list[int]]:
    """The indices of a step's examples in micro-batches, those of one rank every `ranks`-th.

    Args:
        similar_lengths: put examples of like length together, so that padding them costs little; else deal them to and fro by
            length, so that all micro-batches hold about as many tokens.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    count = len(lengths) // micro_batch
    if similar_lengths:
        width = micro_batch * ranks
        return [order[i : i + width][r::ranks] for i in range(0, len(order), width) for r in range(ranks)]
    rounds = [order[i : i + count] for i in range(0, len(order), count)]
    return [[row[m] if i % 2 == 0 else row[count - 1 - m] for i, row in enumerate(rounds)] for m in range(count)]


def schedule(optim: OptimConfig, examples: int) -> tuple[int, int]:
    """Batch size and optimiser steps: as configured, else the paper's by the number of examples."""
    batch_size = optim.batch_size or paper_batch_size(examples)
    if optim.epochs is not None:
        return batch_size, math.ceil(optim.epochs * examples / batch_size)
    return batch_size, optim.max_steps or paper_steps(examples)
