"""Engines are asked whether they can hold, split and serve their models before anything starts, from shapes alone."""

import json
from pathlib import Path

import pytest

from humpback_exp import config
from humpback_exp.config import EngineConfig, EvaluateConfig, ModelConfig, StageConfig, TrainConfig
from humpback_exp.planning import engine_check, machine
from humpback_exp.planning.engine_check import check_models
from humpback_exp.planning.machine import GIB
from humpback_exp.planning.model_shape import shape_at, shape_of
from humpback_exp.planning.preflight import check_stages
from humpback_exp.planning.tensor_parallel import fewest_gpus, models_of, shared_engine, with_tensor_parallel
from humpback_exp.workflow.steps import training_steps
from humpback_exp.workflow.variants import whole_loop
from tests.conftest import one_line_error, run
from tests.sweep.test_shipped_sweeps import points_of
from tests.test_configs import composed

VLLM = {"name": "vllm", "device": "cuda", "dtype": "bfloat16"}
PAPER = ("llama7b", "llama33b", "llama65b", "llama2_70b")


def gpus(monkeypatch: pytest.MonkeyPatch, count: int, gib: int) -> None:
    monkeypatch.setattr(machine, "gpu_memories", lambda: [gib * GIB] * count)
    monkeypatch.setattr(engine_check, "find_spec", lambda name: name)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def folder(path: Path, **shape: int) -> str:
    """A model folder as far as its config tells: by default 52 heads of 128 in 60 layers, LLaMA 33B."""
    path.mkdir(parents=True)
    held = {
        "num_hidden_layers": 60, "hidden_size": 6656, "intermediate_size": 17920, "num_attention_heads": 52,
        "vocab_size": 32000, "max_position_embeddings": 2048,
    }  # fmt: skip
    (path / "config.json").write_text(json.dumps(held | shape))
    return str(path)


def evaluation(model: str, engine: EngineConfig, **changes: object) -> EvaluateConfig:
    return EvaluateConfig(name="x", model_path=model, engine=engine, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("size", "most"), [(8, 4), (3, 2), (16, 13)])
def test_heads_that_do_not_divide_are_refused_from_the_folders_shape(tmp_path: Path, size: int, most: int) -> None:
    path = folder(tmp_path / "m")
    with pytest.raises(
        ValueError,
        match=rf"engine.tensor_parallel={size}: does not divide the 52 heads \(52 of keys\) of model_path={path}; "
        rf"use engine.tensor_parallel={most}, or null",
    ):
        check_models(evaluation(path, EngineConfig(**VLLM, tensor_parallel=size)), {}, here=False)


def test_fewer_heads_of_keys_are_repeated_as_vllm_does(tmp_path: Path) -> None:
    shape = shape_at(folder(tmp_path / "m", num_attention_heads=64, num_key_value_heads=8), {})
    assert shape and [size for size in (1, 2, 3, 4, 8, 12, 16, 32) if shape.splits(size)] == [1, 2, 4, 8, 16, 32]


def test_every_stage_of_a_list_is_asked_also_for_models_that_are_still_to_be_made(tmp_path: Path) -> None:
    config = composed("plan", "model=llama33b", "engine.tensor_parallel=8", f"output_root={tmp_path}")
    with pytest.raises(ValueError, match=rf"does not divide the 52 heads .* of model_path={tmp_path}/models/backward"):
        check_stages(whole_loop(config), here=False)
    line = one_line_error(run("plan.py", "model=llama33b", "engine.tensor_parallel=8"))
    assert line.startswith("engine.tensor_parallel=8: does not divide the 52 heads")


def test_what_no_machine_can_run_is_said_before_what_this_one_cannot(tmp_path: Path) -> None:
    words = [
        "model=llama33b",
        "evaluation=heldout",
        "engine@evaluation.engine=vllm",
        "evaluation.engine.tensor_parallel=8",
    ]
    line = one_line_error(run("train.py", *words, f"output_root={tmp_path}"))
    assert line.startswith("engine.tensor_parallel=8: does not divide the 52 heads")


def test_a_judge_and_a_backward_model_are_asked_too(tmp_path: Path) -> None:
    good, bad = folder(tmp_path / "good", num_attention_heads=64), folder(tmp_path / "bad")
    engine = EngineConfig(**VLLM, tensor_parallel=8)
    judge = config.JudgeConfig(path=bad)
    with pytest.raises(ValueError, match=f"of judge.path={bad}"):
        check_models(evaluation(good, engine, judge=judge, reference="base"), {}, here=False)
    rating = config.ScoreConfig(
        model_path=good, backward_path=bad, scorer="likelihood", likelihood="both", engine=engine
    )
    with pytest.raises(ValueError, match=f"of backward_path={bad}"):
        check_models(rating, {}, here=False)


def test_the_context_must_hold_prompt_and_answer(tmp_path: Path) -> None:
    path = folder(tmp_path / "m")
    longer = evaluation(path, EngineConfig(**VLLM, context=4096))
    with pytest.raises(ValueError, match=f"^engine.context=4096: model_path={path} takes 2048 tokens; lower it"):
        check_models(longer, {}, here=False)
    full = evaluation(path, EngineConfig(**VLLM), generation=config.GenerationConfig(max_new_tokens=2048))
    with pytest.raises(
        ValueError, match="^generation.max_new_tokens=2048: leaves no room for a prompt in the 2048 tok"
    ):
        check_models(full, {}, here=False)


def test_weights_that_one_gpu_does_not_hold_are_refused_with_what_would(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 8, 80)
    made = {"models/m0": composed("train", "model=llama65b").model}
    on_one = evaluation("models/m0", EngineConfig(device="cuda", dtype="bfloat16"))
    with pytest.raises(
        ValueError,
        match=r"^model_path=models/m0: 126.6 GiB of weights and cache do not fit 1 x 80.0 GiB; "
        r"use engine=vllm engine.tensor_parallel=4$",
    ):
        check_models(on_one, made, here=True)
    check_models(evaluation("models/m0", EngineConfig(**VLLM, tensor_parallel=4)), made, here=True)
    with pytest.raises(ValueError, match="do not fit 1 x 80.0 GiB"):
        check_models(evaluation("models/m0", EngineConfig(**VLLM, tensor_parallel=1)), made, here=True)
    check_models(evaluation("models/m0", EngineConfig(**VLLM, tensor_parallel=1)), made, here=False)


def test_main_memory_is_asked_of_a_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "host_memory", lambda: 10 * GIB)
    path = folder(tmp_path / "m")
    with pytest.raises(ValueError, match=rf"^model_path={path}: needs .* GiB of main memory to run, 10.0 GiB are free"):
        check_models(evaluation(path, EngineConfig(dtype="bfloat16")), {}, here=True)


@pytest.mark.parametrize(("model", "size"), zip(PAPER, (1, 2, 4, 4), strict=True))
def test_tensor_parallelism_is_chosen_by_weights_and_heads(model: str, size: int) -> None:
    """Weights leave half of what vLLM takes to the cache: 122 GiB over four GPUs of 80 GB."""
    shape = shape_of(composed("train", f"model={model}").model)
    assert fewest_gpus(EngineConfig(**VLLM), [shape], 8, 80 * GIB) == size


def test_what_is_left_open_is_chosen_when_the_model_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpus(monkeypatch, 8, 80)
    path = folder(tmp_path / "m")
    chosen = with_tensor_parallel(evaluation(path, EngineConfig(**VLLM, tensor_parallel=None)))
    assert chosen.engine.tensor_parallel == 2  # type: ignore[attr-defined]
    assert config.identity(chosen) == config.identity(evaluation(path, EngineConfig(**VLLM)))
    gpus(monkeypatch, 1, 80)
    alone = with_tensor_parallel(evaluation(path, EngineConfig(**VLLM, tensor_parallel=None)))
    assert alone.engine.tensor_parallel == 1  # type: ignore[attr-defined]
    gpus(monkeypatch, 8, 24)
    with pytest.raises(ValueError, match=r"do not fit 4 x 24.0 GiB; use engine=vllm engine.tensor_parallel=4|use GPUs"):
        check_models(
            evaluation(folder(tmp_path / "large", num_hidden_layers=160), EngineConfig(**VLLM, tensor_parallel=None)),
            {},
            here=True,
        )


def test_the_papers_loop_generates_with_an_engine_that_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gpus(monkeypatch, 8, 80)
    for model in PAPER:
        loop = whole_loop(composed("pipeline", "experiment=paper", f"model={model}", f"output_root={tmp_path}"))
        asked = [stage.engine for stage in loop if hasattr(stage, "engine")]
        assert {(engine.name, engine.device, engine.tensor_parallel) for engine in asked} == {("vllm", "cuda", None)}
        check_stages(loop)
    with pytest.raises(ValueError, match="use engine=vllm engine.tensor_parallel=4"):
        check_stages(whole_loop(composed("pipeline", "experiment=paper", "model=llama65b", "engine=gpu")))


def test_every_point_of_a_sweep_over_sizes_has_an_engine_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus(monkeypatch, 8, 80)
    for stages in points_of("model_scale"):
        check_stages(stages, here=False)
        (shape,) = [shape_of(stage.model) for stage in stages if isinstance(stage, TrainConfig)]
        assert fewest_gpus(stages[-1].engine, [shape], 8, 80 * GIB)  # type: ignore[attr-defined]
    point = training_steps(
        composed(
            "train",
            "model=llama33b",
            "evaluation=heldout",
            "engine@evaluation.engine=vllm",
            "evaluation.engine.tensor_parallel=8",
        )  # fmt: skip
    )
    with pytest.raises(ValueError, match="does not divide the 52 heads"):
        check_stages(point, here=False)


def test_models_beside_each_other_share_what_vllm_takes() -> None:
    judged = evaluation("m", EngineConfig(**VLLM), judge=config.JudgeConfig(path="judge"), reference="base")
    assert (models_of(judged), shared_engine(judged).gpu_share) == ({"model_path": "m", "judge.path": "judge"}, 0.45)
    alone: list[StageConfig] = [
        evaluation("m", EngineConfig(**VLLM), judge=config.JudgeConfig(path="m"), reference="base"),
        evaluation("m", EngineConfig(**VLLM), judge=config.JudgeConfig(path="judge")),
        evaluation("m", EngineConfig(**VLLM), judge=config.JudgeConfig(path="judge", prompts=0), reference="base"),
    ]
    assert [shared_engine(stage).gpu_share for stage in alone] == [0.9, 0.9, 0.9]
    rating = {"engine": EngineConfig(**VLLM), "scorer": "likelihood", "model_path": "m", "backward_path": "b"}
    shares = {
        kind: shared_engine(config.ScoreConfig(**rating, likelihood=kind)).gpu_share
        for kind in ("forward", "backward", "both")
    }
    assert shares == {"forward": 0.9, "backward": 0.9, "both": 0.45}


def test_a_model_that_is_no_llama_or_nowhere_is_left_to_its_engine(tmp_path: Path) -> None:
    (tmp_path / "gpt").mkdir()
    (tmp_path / "gpt" / "config.json").write_text('{"n_layer": 12}')
    for path in (str(tmp_path / "gpt"), "org/unknown", str(tmp_path / "nothing")):
        assert shape_at(path, {}) is None
        check_models(evaluation(path, EngineConfig(**VLLM, tensor_parallel=8)), {}, here=False)
    assert shape_at("org/x", {"org/x": ModelConfig(path="org/x")}) is None
