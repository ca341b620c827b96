"""Sweeps: what each shipped one varies, and that points survive each other, kills and launchers."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser

from humpback_exp import artifacts, config
from humpback_exp.config import HardwareConfig, SegmentConfig, StageConfig, TrainConfig
from humpback_exp.errors import PointFailed
from humpback_exp.execution import launch
from humpback_exp.planning import preflight
from humpback_exp.planning.preflight import check_inputs, prepared
from humpback_exp.records import ScoredCandidate, write
from humpback_exp.sweep import runner, validate
from humpback_exp.sweep.costs import Costs
from humpback_exp.sweep.point import Point
from humpback_exp.sweep.validate import require_distinct, require_room, varied
from humpback_exp.workflow.steps import training_steps
from humpback_exp.workflow.variants import whole_loop
from tests.conftest import ROOT, listens, one_line_error, run
from tests.modeling.conftest import KINDS, OFTEN, SETTINGS, Trainings, losses, step, trainings, warm, weights  # noqa: F401
from tests.test_configs import composed

POINTS = {
    "curation_threshold": 3, "data_size": 12, "data_efficiency": 4, "tags": 8, "model_scale": 6, "joint": 9, "joint_seed": 2,
    "iterations": 4, "selector": 3, "learning_rate": 4, "rubric_and_scorer": 6,
}  # fmt: skip


@cache
def points_of(name: str, *words: str) -> list[list[StageConfig]]:
    """The stages of every point of a shipped sweep, with words of the command line."""
    cls = config.PipelineConfig if name == "iterations" else config.PointConfig
    verb = "pipeline" if name == "iterations" else "train"
    ConfigStore.instance().store(f"{verb}_schema", config.swept(cls))
    found = [f"hydra.searchpath=[file://{ROOT}/conf]"]
    with initialize_config_dir(str(ROOT / "sweeps"), version_base="1.3"):
        params = compose(name, found, return_hydra_config=True).hydra.sweeper.params
        grids = [f"{key}={value}" for key, value in params.items()]
        ((*grid,),) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides([*grids, *words]), None)
        made = [config.load(compose(name, [*found, *point]), cls) for point in grid]
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
    assert len({stages[0].folder for stages in points}) == 6 and len({stages[1].folder for stages in points}) == 12


@pytest.mark.parametrize("name", ["curation_threshold", "data_size", "joint", "tags", "model_scale"])
def test_the_papers_ablations_select_by_the_ratings_of_m1(name: str) -> None:
    assert {stages[0].data.scored for stages in points_of(name)} - {None} == {"outputs/scored/m1"}


def test_joint_and_augmented_meet_at_equal_numbers() -> None:
    trained = [stages[0] for stages in points_of("joint")]
    alone = {train.data.size for train in trained if train.data.seed_path is None}
    both = {3200 + train.data.size for train in trained if train.data.scored and train.data.seed_path}
    assert (alone, both) == ({1600, 3200, 6400}, {4800, 6400, 9600})


def test_how_many_points_run_at_a_time_is_the_sweeps_and_no_stages(tmp_path: Path) -> None:
    assert not any(hasattr(stage, "n_jobs") for stages in points_of("iterations", "n_jobs=2") for stage in stages)
    result = run(
        "segment.py", "-m", "corpus.min_chars=1,2", "n_jobs=0", f"output_root={tmp_path}", "name='${corpus.min_chars}'"
    )
    assert one_line_error(result) == "n_jobs=0: must be positive"


def test_a_frozen_config_that_holds_n_jobs_is_read(tmp_path: Path) -> None:
    (stage,) = segments(tmp_path, "a").stages
    artifacts.begin(stage)
    frozen = stage.folder / "config.yaml"
    assert "n_jobs" not in frozen.read_text()
    frozen.write_text(frozen.read_text() + "n_jobs: 2\n")
    assert artifacts.open_stage(stage.folder)[0] == stage


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


def test_points_with_more_human_pairs_than_there_are_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said once a size, before anything runs; a loop, too, and a plan."""
    monkeypatch.setattr(preflight, "check", lambda stage: None)
    points = [
        Point(
            {"n": str(size)},
            [TrainConfig(output_root=str(tmp_path), name=f"n{size}", data=config.DataConfig(seed_size=size))],
        )
        for size in (120, 121, 3200)
    ]
    validate.check(points, n_jobs=None)
    assert [point.mistake is None for point in points] == [True, False, False]
    said = capfd.readouterr().err
    for size in (121, 3200):
        assert (
            f"data.seed_size={size}: examples/seed.jsonl holds 120 pairs; lower it or give a larger data.seed_path"
            in said
        )
    for command in (["pipeline.py", "experiment=smoke"], ["plan.py"]):
        refused = one_line_error(run(*command, "data.seed_path=examples/seed.jsonl", "data.seed_size=121"))
        assert refused.startswith("data.seed_size=121: examples/seed.jsonl holds 120 pairs")


def test_a_rating_is_made_before_the_model_that_selects_by_it() -> None:
    for score, train, evaluate in points_of("rubric_and_scorer"):
        assert train.data.scored == str(score.folder) and evaluate.model_path == str(train.folder)


def test_fewer_human_pairs_are_part_of_more() -> None:
    from humpback_exp.data.examples import training_examples

    few, more = (training_examples(config.DataConfig(seed_size=size), seed=3) for size in (10, 40))
    assert (len(few), len(more), more[:10]) == (10, 40, few)


def test_points_are_told_apart_by_what_they_vary() -> None:
    words = [["a=1", "+b=x=y", "c=0"], ["a=2", "+b=x=y", "c=0"], ["a=2", "+b=z", "c=0"]]
    assert varied(words) == [{"a": "1", "b": "x=y"}, {"a": "2", "b": "x=y"}, {"a": "2", "b": "z"}]


def test_two_points_in_one_folder_are_refused() -> None:
    one, two = TrainConfig(name="x", seed=1), TrainConfig(name="x", seed=2)
    with pytest.raises(
        ValueError, match=r"two points would write outputs/models/x, but differ in seed; .*'NAME-\$\{seed\}'"
    ):
        require_distinct([[one], [two]])
    with pytest.raises(ValueError, match="two points would both write outputs/models/x"):
        require_distinct([[one], [one]])


def test_inputs_below_output_root_must_be_there_or_made_before(tmp_path: Path) -> None:
    train = TrainConfig(output_root=str(tmp_path), name="x")
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), name="x", model_path=str(train.folder))
    check_inputs([train, evaluate])
    evaluate.reference = f"{tmp_path}/evals/m0"
    with pytest.raises(ValueError, match="evals/m0: no such finished folder; run python evaluate.py name=m0 first"):
        check_inputs([train, evaluate])


def test_pairs_may_lie_in_a_folder_that_a_stage_makes(tmp_path: Path) -> None:
    segment = config.SegmentConfig(output_root=str(tmp_path), name="web")
    heldout = str(segment.folder / "heldout" / "test.jsonl")
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), model_path="models/tiny", heldout=heldout)
    check_inputs([segment, evaluate])
    assert prepared([segment, evaluate])[1] == evaluate
    with pytest.raises(ValueError, match="^heldout=.*/segments/web/heldout/test.jsonl: no such file"):
        check_inputs([evaluate])


def test_a_model_of_the_users_may_lie_below_the_output_root(tmp_path: Path) -> None:
    model = tmp_path / "models" / "mine"
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), model_path=str(model))
    with pytest.raises(ValueError, match="models/mine: no such finished folder; run python train.py name=mine first"):
        check_inputs([evaluate])
    model.mkdir(parents=True)
    (model / "config.json").write_text("{}")
    check_inputs([evaluate])


@pytest.mark.parametrize("key", ["data.seed_path", "heldout"])
def test_files_of_pairs_must_be_there(tmp_path: Path, key: str) -> None:
    train = TrainConfig(output_root=str(tmp_path), name="x")
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), name="x", model_path=str(train.folder))
    if key == "heldout":
        evaluate.heldout = "missing.jsonl"
    else:
        train.data.seed_path = "missing.jsonl"
    with pytest.raises(ValueError, match=f"^{key}=missing.jsonl: no such file; give JSON lines"):
        check_inputs([train, evaluate])


def test_costs_count_a_shared_stage_once() -> None:
    costs = Costs(HardwareConfig(name="x", accelerator="cpu", memory=1, flops=1e12, bandwidth=1e9, link=1, network=1))
    train = training_steps(composed("train", "name=shared-by-two", "optim.max_steps=10", "optim.batch_size=8"))
    tokens = [costs.row(train)["million tokens"], costs.row(train)["million tokens"]]
    mean = (148 + 1072) / 3.8 + 20
    assert tokens == [pytest.approx(10 * 8 * mean / 1e6), 0]
    assert costs.total.startswith("0.0273 million tokens, 0.0")
    assert costs.total.endswith(" hours")


def segments(root: Path, name: str, path: str = "examples/pages") -> Point:
    made = SegmentConfig(output_root=str(root), name=name, workers=1, tracking=config.TrackingConfig(mode="none"))
    made.corpus.path = str(ROOT / path)
    return Point({"name": name}, [made])


def test_one_failing_point_stops_no_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    points = [segments(tmp_path, "a"), segments(tmp_path, "b", "missing"), segments(tmp_path, "c")]
    with pytest.raises(PointFailed):
        runner.run(points)
    said = capfd.readouterr()
    assert said.err.count("error: ") == 1 and "Traceback" not in said.err
    assert said.err.index("error: corpus.path=") < said.err.index(f"segment: {tmp_path}/segments/c")
    table = said.out[said.out.index("points after") :]
    assert re.search(rf"2  b +failed +\d+ +{tmp_path}/segments/b +corpus.path={ROOT}/missing: ", table)
    assert [line.split()[2] for line in table.splitlines()[3:]] == ["finished", "failed", "finished"]
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("manifest.json")}
    points[1].stages[0].corpus.path = points[0].stages[0].corpus.path
    runner.run(points)
    assert capfd.readouterr().err.count("segment: ") == 1
    assert times.items() < {p: p.stat().st_mtime_ns for p in tmp_path.rglob("manifest.json")}.items()


def test_a_finished_point_of_another_config_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runner.run([segments(tmp_path, "a")])
    other = segments(tmp_path, "a")
    other.stages[0].corpus.min_chars = 500
    with pytest.raises(PointFailed):
        runner.run([other, segments(tmp_path, "b")])
    said = capfd.readouterr()
    assert "corpus.min_chars=600 there, 500 here" in said.err
    assert (tmp_path / "segments/b/manifest.json").exists()


@pytest.mark.parametrize("n_jobs", [0, -1])
def test_points_that_none_may_run_are_refused(tmp_path: Path, n_jobs: int) -> None:
    with pytest.raises(ValueError, match=f"^n_jobs={n_jobs}: must be positive$"):
        runner.run([segments(tmp_path, "a")], n_jobs=n_jobs)
    assert not list(tmp_path.iterdir())


def test_ranks_above_the_first_wait_for_what_one_rank_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (stage,) = segments(tmp_path, "a").stages
    artifact = artifacts.begin(stage)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(time, "sleep", lambda _: artifacts.finish(artifact, started=0, rows={"segments": 7}))
    assert launch.launch(stage) == stage.folder
    assert artifacts.load(stage.folder).rows == {"segments": 7}


def test_a_model_made_while_its_folder_was_waited_for_needs_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = TrainConfig(output_root=str(tmp_path), name="x", model=config.ModelConfig(path="org/model"))

    def refused(_: TrainConfig) -> None:
        raise ValueError("too little memory")

    @contextmanager
    def another_makes_it(*_: object) -> Iterator[int]:
        artifacts.finish(artifacts.begin(train), started=0, rows={})
        yield 0

    monkeypatch.setattr(preflight, "check", refused)
    with pytest.raises(ValueError, match="too little memory"):
        launch.launch(train, waits=True)
    monkeypatch.setattr(artifacts, "locked", another_makes_it)
    assert launch.launch(train, waits=True) == train.folder


def test_a_killed_point_is_told(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "attempt", lambda _: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(PointFailed):
        runner.run([segments(tmp_path, "a")])
    assert "was killed by SIGKILL; the same command goes on from there" in capfd.readouterr().out


def test_n_jobs_points_run_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wait for each other, and the third begins only when one of them has ended."""

    def attempt(point: Point) -> int:
        there = {path.name for path in tmp_path.iterdir()}
        name = point.varies["name"]
        (tmp_path / name).touch()
        while name != "c" and not {"a", "b"} <= {path.name for path in tmp_path.iterdir()}:
            time.sleep(0.01)
        (tmp_path / f"{name} ended").touch()
        return 0 if name != "c" or there & {"a ended", "b ended"} else 1

    monkeypatch.setattr(runner, "attempt", attempt)
    codes: list[int] = []
    monkeypatch.setattr(runner, "log_status", lambda number, point: codes.append(number))
    runner.run_locally([(i, segments(tmp_path, name)) for i, name in enumerate("abc", 1)], n_jobs=2)
    assert sorted(codes) == [1, 2, 3]  # the third may be told before the second, which runs beside it
    assert (tmp_path / "c").stat().st_mtime_ns > min((tmp_path / f"{n} ended").stat().st_mtime_ns for n in "ab")


def test_points_that_share_a_folder_wait_and_let_others_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two at a time, the second point of `a` starts after the first, and `b` beside the first."""
    order = tmp_path / "order"

    def attempt(point: Point) -> int:
        name = point.varies["name"]
        with order.open("a") as file:
            file.write(f"+{name} ")
        if name == "a1":
            while "+b" not in order.read_text():
                time.sleep(0.01)
            (point.stages[0].folder).mkdir(parents=True)
            (point.stages[0].folder / "manifest.json").touch()
        with order.open("a") as file:
            file.write(f"-{name} ")
        return 0

    monkeypatch.setattr(runner, "attempt", attempt)
    monkeypatch.setattr(runner, "log_status", lambda number, point: None)
    points = [segments(tmp_path, name[0]) for name in ("a1", "a2", "b1")]
    for point, name in zip(points, ("a1", "a2", "b1"), strict=True):
        point.varies["name"] = name
    runner.run_locally(list(enumerate(points, 1)), n_jobs=2)
    said = order.read_text()
    assert said.index("+b1") < said.index("-a1") < said.index("+a2")


def test_what_a_deleted_model_was_measured_by_waits_for_the_new_one(tmp_path: Path) -> None:
    """As the message on a damaged folder advises: delete it and run the same command again."""
    train = TrainConfig(output_root=str(tmp_path), name="x")
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), name="x", model_path=str(train.folder))
    for stage in (train, evaluate):
        artifacts.finish(artifacts.begin(stage), started=0, rows={})
    shutil.rmtree(train.folder)
    point = Point({}, [train, evaluate])
    validate.check([point], n_jobs=1)
    assert point.mistake is None


def test_a_point_that_would_train_on_nothing_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    scored = config.ScoreConfig(output_root=str(tmp_path), name="m0", candidates="org/web", model_path="org/m0")
    artifacts.finish(artifacts.begin(scored), started=0, rows={"candidates": 8})
    data = config.DataConfig(scored=str(scored.folder), min_score=4.5)
    train = TrainConfig(output_root=str(tmp_path), name="x", data=data)
    with pytest.raises(SystemExit, match="2"):
        runner.run([Point({"data.min_score": "4.5"}, [train])])
    said = capfd.readouterr()
    none = "none has a score; rate them by another scorer"
    assert said.err == f"error: data.min_score=4.5: keeps none of 0 candidates in {scored.folder}: {none}\n"
    assert not train.folder.exists() and not said.out


def scored_five(tmp_path: Path) -> Path:
    """A scored folder of candidates with scores from 1 to 5."""
    scored = artifacts.begin(
        config.ScoreConfig(output_root=str(tmp_path), name="m0", candidates="org/web", model_path="m")
    )
    texts = {"url": "u", "offset": 0, "heading_path": [], "instruction": "i", "output": "o", "outcome": "scored"}
    rows = [ScoredCandidate(id=str(number), score=float(number), **texts) for number in range(1, 6)]
    write(scored.folder / "data" / "00000.parquet", ScoredCandidate, rows)
    artifacts.finish(scored, started=0, rows={"candidates": 5})
    return scored.folder


def test_fewer_pairs_than_asked_for_are_said_before_anything_runs(tmp_path: Path) -> None:
    data = config.DataConfig(scored=str(scored_five(tmp_path)))
    points = [
        Point(
            {},
            [
                TrainConfig(
                    output_root=str(tmp_path), name=f"n{size}-{least}", data=replace(data, size=size, min_score=least)
                )
            ],
        )
        for size, least in ((2, None), (9, None), (2, 4.0), (3, 4.0), (3, 4.5))
    ]
    assert validate.shortfalls(points) == [
        "points 2: data.size=9, but the selection has 5 web pairs",
        "points 4: data.size=3, but the selection has 2 web pairs",
        "points 5: data.size=3, but the selection has 1 web pairs",
    ]


def test_a_model_is_not_trained_again_under_another_size(tmp_path: Path) -> None:
    """Of sizes beyond the selection the first is trained, with what there is, and the others are refused."""
    folder = scored_five(tmp_path)

    def point(size: int, seed: int = 0) -> Point:
        data = config.DataConfig(scored=str(folder), min_score=2.0, size=size)
        return Point({}, [TrainConfig(output_root=str(tmp_path), name=f"n{size}-s{seed}", seed=seed, data=data)])

    points = [point(3), point(6), point(9), point(9, seed=1), point(4)]
    validate.check(points, n_jobs=None)
    assert [str(each.mistake) for each in points] == [
        "None",
        "None",
        "data.size=9: the selection has 4 web pairs, with which n6-s0 is trained; lower it",
        "None",
        "data.size=4: the selection has 4 web pairs, with which n6-s0 is trained; lower it",
    ]
    (trained,) = points[1].stages
    artifacts.finish(artifacts.begin(trained), started=0, rows={})
    again = [point(6), point(9)]
    validate.check(again, n_jobs=None)
    assert [each.mistake is None for each in again] == [True, False]


def test_references_must_be_there_wherever_they_lie(tmp_path: Path) -> None:
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), name="x", reference="elsewhere/evals/base")
    with pytest.raises(
        ValueError, match="^elsewhere/evals/base: no such finished folder; run python evaluate.py name=base first"
    ):
        check_inputs([evaluate])


def test_points_side_by_side_share_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    assert runner.split_gpus(["0", "1", "2", "3", "4"], 2) == ["0,1", "2,3"]
    assert runner.split_gpus([], 2) == ["", ""]
    trained = training_steps(composed("train", "model=llama7b"))
    monkeypatch.setattr(validate, "visible_gpus", lambda: list("01234567"))
    with pytest.raises(ValueError, match="^n_jobs=2: takes 16 GPUs, here are 8; lower it$"):
        require_room(Point({}, trained), n_jobs=2)
    trained = training_steps(composed("train", "model=llama65b"))
    with pytest.raises(
        ValueError, match="^trainer.nodes=2: a point on several nodes takes hydra/launcher=submitit_slurm"
    ):
        require_room(Point({}, trained), n_jobs=1)


def test_a_mistake_in_the_grid_is_said_before_anything_runs(tmp_path: Path) -> None:
    result = run("train.py", "-m", "seed=1,2", f"output_root={tmp_path}", "tracking=none")
    assert "name=scratch: two points would write" in one_line_error(result)
    result = run(
        "train.py", "-m", "optim.lr=1,-1,abc", "name='x-${optim.lr}'", "trainer.devices=2", f"output_root={tmp_path}"
    )
    assert result.returncode == 2 and "refused" not in result.stdout
    assert result.stderr.splitlines() == [
        "error: trainer.strategy=auto: 2 ranks need trainer=zero3 or trainer.strategy=ddp",
        "error: optim.lr=-1.0: must be positive",
        "error: Error merging override optim.lr=abc; Value 'abc' of type 'str' could not be converted to Float",
    ]


SWEEP = [
    SETTINGS[0], "-m", *SETTINGS[1:], "optim.weight_decay=1e42,0.1", "name='wd${optim.weight_decay}'", "optim.end_lr=0",
    *KINDS["zero3"], OFTEN,
]  # fmt: skip


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    own = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return own + [below for child in own for below in descendants(child)]


@pytest.mark.slow
def test_two_ranks_a_point_one_crashes_and_the_driver_is_killed(
    trainings: Trainings,  # noqa: F811
    tmp_path: Path,
) -> None:
    """The case that hangs elsewhere: every point is two ranks of ZeRO-3. No orphan, and the same command ends the same."""
    command = [*SWEEP, f"output_root={tmp_path}"]
    driver = subprocess.Popen([sys.executable, *command], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    good = tmp_path / "models/wd0.1"
    while not (good / "checkpoints" / step(2)).exists():
        assert driver.poll() is None, driver.communicate()
        time.sleep(0.002)
    family = descendants(driver.pid)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert len(family) == 3  # the point and its two ranks
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in family):
        assert time.monotonic() < deadline, "an orphan is left"
        time.sleep(0.05)
    assert not (good / "manifest.json").exists()
    crashed = json.loads((tmp_path / "sweeps/models/wd1e+42.json").read_text())["error"]
    assert "not finite" in crashed or "no longer finite" in crashed, crashed
    again = run(*command)
    assert again.returncode == 1
    assert "wd0.1: goes on from step-" in again.stderr and "Traceback" not in again.stderr
    assert re.search(r"2 +0.1 +finished", again.stdout[again.stdout.index("points after") :])
    whole = trainings.run(tmp_path / "whole", "zero3", "optim.end_lr=0")
    assert losses(good) == losses(whole) and weights(good) == weights(whole)


@pytest.mark.slow
def test_an_interrupt_that_reaches_the_driver_alone_ends_its_points(
    trainings: Trainings,  # noqa: F811
    tmp_path: Path,
) -> None:
    """As `kill -INT` sends it; a terminal's Ctrl-C goes to all. They save, as on SIGTERM."""
    command = [sys.executable, SETTINGS[0], "-m", *SETTINGS[1:], *KINDS["plain"], f"output_root={tmp_path}"]
    slowly = ["optim.max_steps=1000", "trainer.checkpoint_every=1000"]
    driver = subprocess.Popen([*command, *slowly], cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=listens)
    assert any("step 50 of" in line for line in driver.stderr)
    family = descendants(driver.pid)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130 and "Traceback" not in said, said
    assert len(family) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in family)
    assert "SIGTERM, saved after step" in said
    assert len(list((tmp_path / "models/m0/checkpoints").glob("step-*.ckpt"))) == 1
