"""plan.py: what it prints, from which sizes, and what it refuses."""

import json
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.config import CorpusConfig, SegmentConfig, SizesConfig
from humpback_exp.planning.segmentation import segmentation
from humpback_exp.planning.sizes import sizes_of
from humpback_exp.planning.training import Training
from tests.conftest import one_line_error, run
from tests.test_configs import composed


def test_the_signature_plan() -> None:
    """On a machine without GPUs, data or weights."""
    result = run("plan.py", "model=llama65b", "data=curated_a5")
    assert result.returncode == 0, result.stderr
    for line in (
        "huggyllama/llama-65b, 65.29 billion parameters, full fine-tuning, zero3 on 2 x 8 a100_80gb",
        "Training fits 80 GiB.",
        "Smallest cluster that carries it under ZeRO-3: 2 node(s) of 8 x a100_80gb",
    ):
        assert line in result.stdout
    stages = ["train backward", "augment", "train m0", "score m0", "train m1", "score m1", "train m2", "evaluate m2"]
    found = [result.stdout.index(f"\n{stage} ", result.stdout.index("GPU-hours")) for stage in stages]
    assert found == sorted(found)


def test_variants_are_planned_only_when_asked_for() -> None:
    added = [
        "rewrite m0", "train m1-rewrite", "evaluate m1-rewrite", "train backward-retrain", "augment web-retrain",
        "score m0-retrain", "train m1-retrain", "evaluate m1-retrain",
    ]  # fmt: skip
    loop, varied = run("plan.py").stdout, run("plan.py", "variants=[rewrite,retrain]").stdout
    assert [stage for stage in added if f"\n{stage} " in loop] == []
    hours = varied[varied.index("GPU-hours") :]
    places = [hours.index(f"\n{stage} ") for stage in ("evaluate m2", *added)]
    assert places == sorted(places)
    assert "\nrewritten/m0 " in varied and "\nscored/m0-retrain " in varied and "\nrewritten/m0 " not in loop


def test_sizes_are_the_papers_where_nothing_is_there() -> None:
    sizes = sizes_of(composed("plan", "data=curated_a5"), {})
    assert (sizes.seed.count, sizes.candidates.count, sizes.curated.count) == (3200, 502_133, 41_821)
    assert sizes_of(composed("plan", "data=curated_a4"), {}).curated.count == 195_043
    assert sizes_of(composed("plan", "data=augmented_all"), {}).curated.count == 502_133
    assert sizes_of(composed("plan", "min_score=null", "top_fraction=0.1"), {}).curated.count == 50_213


def test_sizes_are_counted_where_something_is_there(tmp_path: Path) -> None:
    seed = tmp_path / "seed.jsonl"
    seed.write_text("".join(json.dumps({"instruction": f"i{i}", "output": "o"}) + "\n" for i in range(7)))
    result = run("plan.py", f"data.seed_path={seed}")
    assert ["seed", "7", "39", "282", str(seed)] in [line.split() for line in result.stdout.splitlines()]
    assert "7 examples, 2 steps of 8" in result.stdout


def test_a_set_size_beats_all() -> None:
    sizes = sizes_of(composed("plan", "sizes.curated=100", "sizes.segments=1000"), {"segments": (5, "there")})
    assert (sizes.candidates.count, sizes.curated.count, sizes.curated.origin) == (1000, 100, "set")


def test_hours_of_training() -> None:
    """One GPU, no recomputing: 6 FLOPs a parameter and token."""
    trainer = ["trainer=gpu", "trainer.gradient_checkpointing=false"]
    config = composed("plan", "model=llama7b", *trainer, "hardware.flops=1e12", "hardware.utilisation=0.5")
    train = composed("train", "model=llama7b", *trainer)
    run_of = Training(train, examples=320, mean=100, batch=32, steps=10)
    assert run_of.seconds(config.hardware) == pytest.approx(6 * 6_738_415_616 * 32_000 / 0.5e12)


def test_communication_bounds_small_steps() -> None:
    """Two nodes: weights twice and gradients once a pass, 15 of 16 parts from others, at 8 adapters of 1 GB/s."""
    config = composed("plan", "hardware.network=1e9", "hardware.link_utilisation=1")
    run_of = Training(composed("train", "model=llama65b"), examples=320, mean=100, batch=32, steps=1)
    moved = 2 * 3 * 2 * 65_285_660_672 * 15 / 16
    assert run_of.seconds(config.hardware) == pytest.approx(moved / 8e9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["min_score=3.5"], "min_score=3.5: the paper reports sizes for 4 and 4.5 only; set sizes.curated"),
        (
            ["model=smollm2"],
            "trainer.accelerator=cpu: hardware=a100_80gb is a gpu; use hardware=cpu or another trainer",
        ),
        (["trainer=cpu", "hardware=cpu"], "engine.device=cuda: hardware=cpu is a cpu; use engine=transformers"),
        (
            ["model=llama65b", "sizes.seed=1000", "trainer.micro_batch=2"],
            "optim.batch_size=8: must divide by trainer.micro_batch x ranks = 2 x 16",
        ),
        (["hardware.utilisation=2"], "hardware.utilisation=2.0: must lie in (0, 1]"),
        (["sizes.seed=0"], "sizes.seed=0: must be positive or null"),
        (
            ["model.layers=0", "model.heads=0", "model.path=org/name"],
            "model.path=org/name: no such folder, and no shape beside its path; make the folder, or set model.layers",
        ),
        (["hardware=tpu"], "Could not find 'hardware/tpu'; Available options in 'hardware': a100_80gb; cpu; h100_80gb"),
    ],
)
def test_impossible_plans_end_in_one_line(arguments: list[str], message: str) -> None:
    assert message in one_line_error(run("plan.py", *arguments))


def test_the_demo_is_planned_too() -> None:
    demo = ["experiment=demo", "model=smollm2", "adapter=lora", "trainer=cpu", "engine=transformers", "hardware=cpu"]
    result = run("plan.py", *demo)
    assert result.returncode == 0, result.stderr
    assert "120 examples, 15 steps of 8" in result.stdout
    assert "GPU-hours" not in result.stdout


def test_a_corpus_is_planned_by_the_rates_of_a_sample(tmp_path: Path) -> None:
    billion = segmentation(SizesConfig(pages=10**9))
    assert (round(billion.core_hours), billion.segments) == (2275, 500_000_000)
    assert [round(billion.hours(nodes), 1) for nodes in (1, 100)] == [57.8, 22.6]
    assert segmentation(SizesConfig()) is None
    config = SegmentConfig(output_root=str(tmp_path), name="sample", corpus=CorpusConfig(path=str(tmp_path / "none")))
    rows = {"pages": 200, "segments found": 90, "segments": 50}
    artifacts.finish(artifacts.begin(config), started=0.0, rows=rows, metrics={"pages_per_second": 50.0})
    sample = tmp_path / "segments/sample"
    result = run("plan.py", "sizes.pages=3600000", f"sizes.sample={sample}")
    assert f"Segmentation: 50 pages/s a core, 0.25 segments a page (200 pages of {sample})." in result.stdout
    assert "3,600,000 pages        1          20.0" in result.stdout
    said = one_line_error(run("plan.py", "sizes.pages=10", f"sizes.sample={tmp_path}"))
    assert said.startswith(f"{tmp_path}: no such finished folder")
