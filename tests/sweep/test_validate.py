"""What is wrong with a sweep's points is found before one is started, and what they will take."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from humpback_exp import artifacts, config
from humpback_exp.config import HardwareConfig, TrainConfig
from humpback_exp.planning import preflight
from humpback_exp.planning.input_check import check_inputs
from humpback_exp.planning.preflight import prepared
from humpback_exp.records import ScoredCandidate, write
from humpback_exp.sweep import local, runner, validate
from humpback_exp.sweep.costs import Costs
from humpback_exp.sweep.point import Point
from humpback_exp.sweep.validate import require_distinct, require_room, varied
from humpback_exp.workflow.steps import training_steps
from tests.conftest import one_line_error, run
from tests.test_configs import composed


def test_points_with_more_human_pairs_than_there_are_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said once a size, before anything runs; a loop, too, and a plan."""
    monkeypatch.setattr(preflight, "check_training", lambda stage: None)
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
    made_by = f"run python evaluate.py name=m0 output_root={tmp_path} first"
    with pytest.raises(ValueError, match=f"evals/m0: no such finished folder; {made_by}"):
        check_inputs([train, evaluate])


def test_pairs_may_lie_in_a_folder_that_a_stage_makes(tmp_path: Path) -> None:
    pages = config.CorpusConfig(path="examples/pages")
    segment = config.SegmentConfig(output_root=str(tmp_path), name="web", corpus=pages)
    heldout = str(segment.folder / "heldout" / "test.jsonl")
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), model_path="models/tiny", heldout=heldout)
    check_inputs([segment, evaluate])
    assert prepared([segment, evaluate])[1] == evaluate
    with pytest.raises(ValueError, match="^heldout=.*/segments/web/heldout/test.jsonl: no such file"):
        check_inputs([evaluate])


def test_a_model_of_the_users_may_lie_below_the_output_root(tmp_path: Path) -> None:
    model = tmp_path / "models" / "mine"
    evaluate = config.EvaluateConfig(output_root=str(tmp_path), model_path=str(model))
    made_by = f"run python train.py name=mine output_root={tmp_path} first"
    with pytest.raises(ValueError, match=f"models/mine: no such finished folder; {made_by}"):
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


def test_what_a_deleted_model_was_measured_by_waits_for_the_new_one(tmp_path: Path) -> None:
    """As the message on a damaged folder advises: delete it and run the same command again."""
    trainer = config.TrainerConfig(micro_tokens=2048)  # a pass that any machine holds
    train = TrainConfig(output_root=str(tmp_path), name="x", trainer=trainer)
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
    made_by = "run python evaluate.py name=base output_root=elsewhere first"
    with pytest.raises(ValueError, match=f"^elsewhere/evals/base: no such finished folder; {made_by}"):
        check_inputs([evaluate])


def test_points_side_by_side_share_the_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    assert local.split_gpus(["0", "1", "2", "3", "4"], 2) == ["0,1", "2,3"]
    assert local.split_gpus([], 2) == ["", ""]
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
