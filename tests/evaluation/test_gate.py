"""The gate: how pairs are corrupted, what is measured, when it stops and what it says."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from humpback_exp.config import BoundsConfig, CurateConfig, GateConfig, GenerationConfig, RubricConfig
from humpback_exp.curation.parsing import Rated
from humpback_exp.evaluation.gate import (
    Known,
    asked,
    combinations,
    known_pairs,
    ratings,
    require_passed,
    summary,
    table,
)
from humpback_exp.records import Example
from humpback_exp.workflow.steps import curation_steps

PAIRS = [Example(id=name, source="seed", instruction=f"ask {name}", output=f"tell {name}") for name in "abc"]
RUBRIC = RubricConfig(prompt="{instruction} {output}")
BLIND = RubricConfig(name="blind", prompt="{instruction}")
CONFIG = GateConfig(output_root="out", name="g", model_path="m", rubric=RUBRIC)


def test_every_pair_is_rated_whole_with_anothers_output_and_with_half_its_own() -> None:
    known = known_pairs(PAIRS, 3, seed=0)
    order = [pair.id for pair in known[:3]]
    assert (
        sorted(order) == ["a", "b", "c"]
        and [pair.kind for pair in known] == ["true"] * 3 + ["shuffled"] * 3 + ["truncated"] * 3
    )
    assert [pair.id for pair in known] == order * 3
    assert [pair.instruction for pair in known] == [f"ask {name}" for name in order] * 3
    assert [pair.output for pair in known[3:6]] == [f"tell {name}" for name in [*order[1:], order[0]]]
    assert [pair.output for pair in known[6:]] == ["tel"] * 3


def test_fewer_pairs_are_the_first_of_more() -> None:
    assert known_pairs(PAIRS, 2, seed=5)[0] == known_pairs(PAIRS, 3, seed=5)[0]
    assert len(known_pairs(PAIRS, 99, seed=5)) == 9


def test_the_chosen_combination_is_measured_first_and_likelihoods_once() -> None:
    other = RubricConfig(name="additive", prompt="{instruction} {output}", lowest=0)
    config = replace(CONFIG, scorer="expected", scorers=["generated", "likelihood"], rubrics={"x": other})
    assert [(scorer, rubric.name) for scorer, rubric in combinations(config)] == [
        ("expected", "five_point"),
        ("expected", "additive"),
        ("generated", "five_point"),
        ("generated", "additive"),
        ("likelihood", "five_point"),
    ]


def test_a_rubric_that_never_sees_the_output_is_asked_about_good_pairs_alone() -> None:
    known = known_pairs(PAIRS, 3, seed=0)
    assert asked(known, "expected", BLIND) == known[:3]
    assert asked(known, "likelihood", BLIND) == asked(known, "expected", RUBRIC) == known


def rated(*scores: float | None) -> list[Rated]:
    return [Rated(generated=score, dropped="" if score else "unreadable") for score in scores]


def test_figures_of_one_combination() -> None:
    """Good 5, 4 and unreadable; shuffled 1, 4, 2; truncated 5, 5, unreadable."""
    known = known_pairs(PAIRS, 3, seed=0)
    rows = ratings(known, rated(5, 4, None, 1, 4, 2, 5, 5, None), "generated", "five_point")
    figures = summary(rows)
    assert figures["readable"] == pytest.approx(7 / 9)
    assert figures["auc_shuffled"] == pytest.approx((3 + 2.5) / 6)
    assert figures["auc_truncated"] == pytest.approx((1 + 0) / 4)


def test_likelihoods_become_scores_in_the_same_order() -> None:
    known = [Known(id=str(i), kind="true", instruction="", output="") for i in range(4)]
    measured = [Rated(forward=value) for value in (0.3, -0.1, 2.0)] + [Rated(dropped="longer than the context")]
    scores = [row.score for row in ratings(known, measured, "likelihood", "")]
    assert scores[3] is None and scores[1] < scores[0] < scores[2]


def test_the_table_has_a_row_a_combination() -> None:
    known = known_pairs(PAIRS, 3, seed=0)
    rows = ratings(known, [Rated(expected=3.0, mass=0.5)] * 9, "expected", "five_point")
    rows += ratings(known[:3], [Rated(generated=3.0)] * 3, "generated", "blind")
    first, second = table(rows)
    assert (first["scorer"], first["rubric"], first["auc_shuffled"], first["mass"]) == (
        "expected",
        "five_point",
        0.5,
        0.5,
    )
    assert (second["readable"], second["auc_shuffled"], second["mass"]) == (1.0, None, None)


GOOD: dict[str, Any] = {"readable": 0.5, "auc_shuffled": 0.6, "auc_truncated": 0.3}


def test_a_scorer_at_its_bounds_passes() -> None:
    require_passed(CONFIG, GOOD)
    require_passed(replace(CONFIG, rubric=BLIND), {"readable": 1.0, "auc_shuffled": None})


def test_an_area_that_is_missing_stops_where_the_output_was_seen() -> None:
    for config in (CONFIG, replace(CONFIG, rubric=BLIND, scorer="likelihood")):
        with pytest.raises(ValueError, match=r"AUC against shuffled outputs 0.00 \(gate.min_auc=0.6\)"):
            require_passed(config, {"readable": 1.0, "auc_shuffled": None})
    require_passed(replace(CONFIG, gate=BoundsConfig(min_auc=0)), {"readable": 1.0, "auc_shuffled": None})


def test_the_likelihoods_of_a_diverged_model_are_unreadable() -> None:
    known = known_pairs(PAIRS, 3, seed=0)
    measured = [Rated(forward=math.nan, dropped="unreadable")] * 9
    assert summary(ratings(known, measured, "likelihood", ""))["readable"] == 0


@pytest.mark.parametrize("low", [{"readable": 0.49}, {"auc_shuffled": 0.59}])
def test_a_scorer_below_a_bound_stops_with_all_figures_bounds_and_remedies(low: dict[str, float]) -> None:
    figures = GOOD | low
    with pytest.raises(ValueError) as stop:
        require_passed(CONFIG, figures)
    assert str(stop.value) == (
        f"out/gates/g: scorer=generated rubric=five_point of m is not fit to score: readable {figures['readable']:.2f} "
        f"(gate.min_readable=0.5), AUC against shuffled outputs {figures['auc_shuffled']:.2f} (gate.min_auc=0.6), AUC against "
        "truncated outputs 0.30 (gate.min_auc_truncated=0); try scorer=expected or likelihood, a longer "
        "generation.max_new_tokens, or a larger rating model; another bound needs no second measurement, and gate.pairs=0 "
        "goes without a gate"
    )


def test_truncated_outputs_are_bounded_where_asked_for() -> None:
    with pytest.raises(ValueError, match=r"truncated outputs 0.30 \(gate.min_auc_truncated=0.5\)"):
        require_passed(replace(CONFIG, gate=BoundsConfig(min_auc_truncated=0.5)), GOOD)


def test_bounds_identify_no_gate_and_pairs_do(tmp_path: Path) -> None:
    from humpback_exp.config import identity

    assert identity(CONFIG) == identity(replace(CONFIG, gate=BoundsConfig(min_auc=0.9, min_readable=0.1)))
    assert identity(CONFIG) != identity(replace(CONFIG, gate=BoundsConfig(pairs=8)))


def test_what_the_gate_says_to_try_has_a_gate_of_its_own() -> None:
    first = CurateConfig(name="m0", model_path="out/m")

    def gate(**changes: Any) -> str:
        return curation_steps(replace(first, **changes))[0].name

    longer, larger = gate(generation=GenerationConfig(max_new_tokens=512)), gate(model_path="out/large")
    fewer = gate(gate=BoundsConfig(pairs=8))
    assert len({gate(), longer, larger, fewer}) == 4
    assert all(re.fullmatch("m0-generated-five_point-[0-9a-f]{8}", name) for name in (gate(), longer, larger, fewer))


def test_another_bound_or_place_has_the_same_gate() -> None:
    first = CurateConfig(name="m0", model_path="out/m")
    lower = replace(first, gate=BoundsConfig(min_auc=0.5), output_root="there", model_path="there/m")
    assert curation_steps(lower)[0].name == curation_steps(first)[0].name
