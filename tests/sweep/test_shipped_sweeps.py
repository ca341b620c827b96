"""The sweeps in `sweeps/`: what each varies, and what its points share."""

from functools import cache
from pathlib import Path

import pytest

from humpback_exp import config
from humpback_exp.config import StageConfig
from humpback_exp.sweep.costs import Costs
from humpback_exp.sweep.validate import require_distinct
from humpback_exp.workflow.steps import training_steps
from humpback_exp.workflow.variants import whole_loop
from tests.composing import points
from tests.conftest import ROOT, one_line_error, run

POINTS = {
    "curation_threshold": 3, "data_size": 12, "data_efficiency": 4, "tags": 8, "model_scale": 6, "joint": 9, "joint_seed": 2,
    "iterations": 4, "selector": 3, "learning_rate": 4, "rubric_and_scorer": 9,
}  # fmt: skip


@cache
def points_of(name: str, *words: str) -> list[list[StageConfig]]:
    """The stages of every point of a shipped sweep, with words of the command line."""
    cls = config.PipelineConfig if name == "iterations" else config.PointConfig
    made = [config.load(each, cls) for each in points("sweeps", name, words)]
    return [whole_loop(each) if isinstance(each, config.PipelineConfig) else training_steps(each) for each in made]


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "sweeps").glob("*.yaml")))
def test_every_sweep_has_its_points_each_trained_and_evaluated(name: str) -> None:
    points = points_of(name)
    assert len(points) == POINTS[name]
    require_distinct(points)
    assert all(
        [type(stage).__name__ for stage in stages][-2:] == ["TrainConfig", "EvaluateConfig"] for stages in points
    )
    group = "joint" if name == "joint_seed" else name  # a line of its figure
    assert {stage.tracking.group for stages in points for stage in stages} == {group}


@pytest.mark.parametrize("name", sorted(POINTS))
def test_every_sweep_is_weighed(name: str) -> None:
    """Before anything is there to be counted; points without human pairs, too."""
    costs = Costs(None)
    assert all(costs.row(stages)["million tokens"] > 0 for stages in points_of(name)[:3])


@pytest.mark.parametrize(
    ("name", "word", "assumed"),
    [("iterations", "limit=null", True), ("iterations", "limit=128", False), ("tags", "seed=0", False)],
)
def test_costs_say_when_the_papers_segments_stand_for_ours(name: str, word: str, assumed: bool) -> None:
    costs = Costs(None)
    costs.row(points_of(name, word)[-1])
    assert ("with the paper's 502,133 segments wherever a point's own are not cut yet" in costs.total) == assumed


@pytest.mark.parametrize("name", ["data_efficiency", "iterations", "rubric_and_scorer"])
def test_sweeps_have_seeds(name: str) -> None:
    points = points_of(name, "seed=0,1")
    assert len(points) == 2 * POINTS[name]
    require_distinct(points)


def test_whatever_way_a_path_is_written_its_points_have_folders_below_output_root() -> None:
    efficiency = points_of("data_efficiency", "data.seed_path=../a/b.jsonl,/c/d.jsonl,e.jsonl")
    scale = points_of("model_scale", "model.path=../x-7b,/y/z-7b,org/x-7b", "model=llama7b", "data=seed")
    require_distinct([*efficiency, *scale])
    inside = [
        stage.folder.resolve().is_relative_to(Path("outputs").resolve()) for p in [*efficiency, *scale] for stage in p
    ]
    assert len(inside) == 2 * (12 + 3) and all(inside)


def test_models_of_gpus_are_not_evaluated_on_a_cpu() -> None:
    scale = points_of("model_scale")
    assert {(s[1].engine.name, s[1].engine.device, s[1].engine.tensor_parallel) for s in scale} == {
        ("vllm", "cuda", None)
    }
    with pytest.raises(
        ValueError, match=r"^evaluation.engine.device=cpu: the model is trained on GPUs; add engine@eval"
    ):
        points_of("data_size", "model=llama7b")
    (on_gpu, *_) = points_of("data_size", "model=llama7b", "engine@evaluation.engine=gpu")
    assert on_gpu[1].engine.device == "cuda"


def test_models_that_curation_threshold_and_data_size_both_want_are_trained_once() -> None:
    threshold, sizes = points_of("curation_threshold"), points_of("data_size", "data.size=3200")
    assert [stages[0].folder for stages in threshold] == [stages[0].folder for stages in sizes]
    require_distinct([*threshold, *sizes])
    assert {stages[1].folder for stages in threshold}.isdisjoint(stages[1].folder for stages in sizes)


def test_scores_are_shared_between_seeds() -> None:
    points = points_of("rubric_and_scorer", "seed=0,1")
    assert {stages[0].seed for stages in points} == {0} and {stages[1].seed for stages in points} == {0, 1}
    assert len({stages[0].folder for stages in points}) == 9 and len({stages[1].folder for stages in points}) == 18


@pytest.mark.parametrize("name", ["curation_threshold", "data_size", "joint", "tags", "model_scale"])
def test_the_papers_ablations_select_by_the_ratings_of_m1(name: str) -> None:
    assert {stages[0].data.scored for stages in points_of(name)} - {None} == {"outputs/scored/m1"}


def test_joint_and_augmented_meet_at_equal_numbers() -> None:
    trained = [stages[0] for stages in points_of("joint")]
    alone = {train.data.size for train in trained if train.data.seed_path is None}
    both = {3200 + train.data.size for train in trained if train.data.scored and train.data.seed_path}
    assert (alone, both) == ({1600, 3200, 6400}, {4800, 6400, 9600})


def test_data_size_is_the_papers_grid() -> None:
    trained = [stages[0].data for stages in points_of("data_size")]
    assert {(data.size, data.min_score) for data in trained} == {
        (size, score) for size in (3200, 6400, 12800, 25600) for score in (None, 4.0, 4.5)
    }


def test_four_evaluations_share_a_tagged_model() -> None:
    points = points_of("tags")
    assert len({stages[0].folder for stages in points}) == 2
    assert [stages[1].tags for stages in points[:4]] == [["seed", "web"], ["seed"], ["web"], []]
    assert {stages[1].model_path for stages in points} == {str(stages[0].folder) for stages in points}


def test_mixtures() -> None:
    points = points_of("joint") + points_of("joint_seed")
    facts = {stages[0].name: stages[0].data for stages in points if stages[0].data.size == 1600}
    seed, curated, every, both = (
        facts[f"mixture-{k}-n1600-s0"] for k in ("seed", "augmented", "augmented_all", "joint")
    )
    assert (seed.scored, seed.seed_size, seed.seed_path) == (None, 1600, "examples/seed.jsonl")
    assert (curated.seed_path, curated.min_score, curated.scored) == (None, 4.5, "outputs/scored/m1")
    assert (every.seed_path, every.min_score, every.scored) == (None, None, "outputs/scored/m1")
    assert (both.seed_path, both.seed_size, both.min_score) == ("examples/seed.jsonl", None, 4.5)


def test_no_point_asks_for_more_than_the_papers_seed() -> None:
    sizes = {stages[0].data.seed_size for name in ("joint", "joint_seed") for stages in points_of(name)}
    assert sizes == {None, 1600, 3200}


def test_a_rating_is_made_before_the_model_that_selects_by_it() -> None:
    for score, train, evaluate in points_of("rubric_and_scorer"):
        assert train.data.scored == str(score.folder) and evaluate.model_path == str(train.folder)


def test_how_many_points_run_at_a_time_is_the_sweeps_and_no_stages(tmp_path: Path) -> None:
    assert not any(hasattr(stage, "n_jobs") for stages in points_of("iterations", "n_jobs=2") for stage in stages)
    result = run(
        "segment.py", "-m", "corpus.min_chars=1,2", "n_jobs=0", f"output_root={tmp_path}", "name='${corpus.min_chars}'"
    )
    assert one_line_error(result) == "n_jobs=0: must be positive"
