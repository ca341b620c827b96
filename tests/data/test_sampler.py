"""The paper's step table and the pure order."""

import pytest

from humpback_exp.data.sampler import paper_batch_size, paper_steps, step_indices


@pytest.mark.parametrize(
    ("examples", "batch", "steps"),
    [
        (100, 8, 30),
        (800, 8, 300),
        (1600, 8, 600),
        (3200, 32, 500),
        (6400, 32, 600),
        (12800, 32, 600),
        (25600, 32, 1200),
        (51200, 32, 1600),
    ],
)
def test_the_papers_table(examples: int, batch: int, steps: int) -> None:
    """Paper Table 18."""
    assert (paper_batch_size(examples), paper_steps(examples)) == (batch, steps)


@pytest.mark.parametrize(
    ("examples", "steps"), [(50, 15), (1, 1), (45021, 1600), (9000, 600), (102400, 3200), (282, 30), (284, 300)]
)
def test_sizes_outside_the_table(examples: int, steps: int) -> None:
    assert paper_steps(examples) == steps


def test_batch_size_changes_at_3000_and_steps_belong_to_their_batch() -> None:
    """By ratio alone 2,263 to 2,999 examples would take the 500 steps of batch 32 with batch 8."""
    facts = [(n, paper_batch_size(n), paper_steps(n)) for n in (2262, 2263, 2999, 3000)]
    assert facts == [(2262, 8, 600), (2263, 8, 600), (2999, 8, 600), (3000, 32, 500)]


def test_every_epoch_sees_every_example_once() -> None:
    seen = [i for step in range(5) for i in step_indices(seed=3, step=step, examples=10, batch_size=4)]
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:]


def test_the_order_is_fixed() -> None:
    assert step_indices(seed=0, step=0, examples=10, batch_size=4) == [4, 6, 2, 7]
    assert step_indices(seed=0, step=2, examples=10, batch_size=4) == step_indices(
        seed=0, step=2, examples=10, batch_size=4
    )
    assert step_indices(seed=1, step=0, examples=10, batch_size=4) != [4, 6, 2, 7]


def test_a_batch_larger_than_the_data_repeats_it() -> None:
    assert sorted(step_indices(seed=0, step=0, examples=3, batch_size=6)) == [0, 0, 1, 1, 2, 2]
