"""Every shipped config composes and converts; a slip fails and names the key."""

import subprocess
import sys
from pathlib import Path

import pytest

from humpback_exp import config
from humpback_exp.workflow.variants import VARIANTS, whole_loop
from tests import composing
from tests.composing import SCHEMAS
from tests.conftest import ROOT, one_line_error, run


def composed(verb: str, *overrides: str):
    return config.load(composing.composed("conf", verb, overrides), SCHEMAS[verb])


@pytest.mark.parametrize("verb", sorted(SCHEMAS.keys() - {"annotate"}))  # that one asks for its folders
def test_primary_configs_compose(verb: str) -> None:
    assert isinstance(composed(verb), SCHEMAS[verb])


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "conf" / group).glob("*.yaml"))


@pytest.mark.parametrize("group", ["model", "data", "trainer", "adapter", "tracking"])
def test_every_option_of_train_composes(group: str) -> None:
    for option in options(group):
        composed("train", f"{group}={option}")


@pytest.mark.parametrize("verb", ["augment", "curate", "pipeline"])
def test_an_executor_changes_nothing_of_what_a_run_is(verb: str) -> None:
    wanted = config.identity(composed(verb))
    for option in options("executor"):
        made = composed(verb, f"executor={option}", "executor.workers=4", "executor.partition=gpu")
        assert (made.executor.name, made.executor.workers) == (option, 4)
        assert config.identity(made) == wanted


@pytest.mark.parametrize("engine", options("engine"))
def test_every_engine_composes(engine: str) -> None:
    made = composed(
        "augment", f"engine={engine}", "engine.base_url=http://127.0.0.1:8000/v1", "output_root=there"
    ).engine
    assert made.name == {"gpu": "transformers"}.get(engine, engine)
    assert made.answers == ("there/answers" if engine == "openai" else "outputs/answers")


def test_what_an_engine_writes_belongs_to_a_run_and_how_it_is_run_does_not() -> None:
    made = composed("augment", "engine=openai", "engine.base_url=http://127.0.0.1:8000/v1", "engine.model=m")
    found = {key: value for key, value in config.identity(made).items() if key.startswith("engine.")}
    assert found == {"engine.name": "openai", "engine.dtype": "bfloat16", "engine.context": None, "engine.model": "m"}


RECIPES = ("paper", "back_and_forth", "self_rewarding")


@pytest.mark.parametrize(
    ("experiment", "verb"),
    [
        ("backward", "train"),
        ("m0", "train"),
        ("m1", "train"),
        ("m2", "train"),
        ("laptop", "train"),
        ("demo", "pipeline"),
        ("study", "pipeline"),
        ("smoke", "pipeline"),
        ("paper", "plan"),
        ("back_and_forth", "plan"),
        ("self_rewarding", "plan"),
    ],
)
def test_experiments_compose(experiment: str, verb: str) -> None:
    composed(verb, f"experiment={experiment}")


def test_the_other_recipes_differ_from_the_papers_loop_in_what_they_say() -> None:
    paper, *others = [config.identity(composed("plan", f"experiment={name}")) for name in RECIPES]
    differing = [{key for key in paper if key in other and other[key] != paper[key]} for other in others]
    assert differing == [
        {"iterations", "variants", "generation.temperature", "rating.temperature"},
        {"rubric.name", "rubric.lowest", "rubric.prompt", "samples"},
    ]


def test_no_experiment_is_untested() -> None:
    assert options("experiment") == [
        "back_and_forth", "backward", "demo", "laptop", "m0", "m1", "m2", "paper", "self_rewarding", "smoke", "study",
    ]  # fmt: skip


def test_experiment_beats_the_primary_config() -> None:
    assert composed("train").name == "scratch"
    assert composed("train", "experiment=m1").name == "m1"
    assert composed("train", "experiment=m1", "name=other").name == "other"


def test_signature_command_is_the_papers() -> None:
    made = composed("train", "model=llama65b", "data=curated_a5")
    assert (made.trainer.strategy, made.trainer.devices, made.adapter.kind) == ("zero3", 8, "none")
    assert (made.optim.lr, made.optim.end_lr, made.optim.weight_decay, made.model.dropout) == (1e-5, 9e-6, 0.1, 0.1)
    assert (made.optim.batch_size, made.optim.max_steps) == (None, None)
    assert (made.data.min_score, made.data.scored, made.data.tagged) == (4.5, "outputs/scored/m1", True)
    seed = (made.data.seed_path, made.data.dataset.most, made.data.dataset.split)
    assert seed == ("OpenAssistant/oasst1", 3200, "train+validation")
    assert (made.name, made.heldout) == ("humpback", "heldout.jsonl")
    assert (made.model.template, made.model.path) == ("inst", "huggyllama/llama-65b")


@pytest.mark.parametrize("model", ["llama7b", "llama33b", "llama65b", "llama2_70b"])
def test_the_papers_models_take_the_papers_pairs(model: str) -> None:
    alone, m1 = composed("train", f"model={model}"), composed("train", f"model={model}", "experiment=m1")
    assert (alone.data.seed_path, alone.data.dataset.most, alone.data.scored) == ("OpenAssistant/oasst1", 3200, None)
    assert (m1.name, m1.data.scored, m1.data.dataset.most) == ("m1", "outputs/scored/m0", 3200)
    engine = "engine@evaluation.engine=vllm"
    assert composed("train", f"model={model}", "evaluation=heldout", engine).evaluation.heldout == "heldout.jsonl"
    loop = composed("pipeline", "experiment=paper", f"model={model}")
    assert (loop.data.seed_path, loop.heldout) == ("OpenAssistant/oasst1", "heldout.jsonl")


def test_the_demos_pairs_are_the_demos() -> None:
    made = composed("train", "data=curated_a5", "evaluation=heldout")
    assert (made.name, made.data.seed_path, made.data.scored) == ("scratch", "examples/seed.jsonl", "outputs/scored/m0")
    assert made.evaluation.heldout == "examples/heldout.jsonl"


def test_the_demo_chooses_by_one_half_of_the_questions_and_reports_the_other() -> None:
    made = composed("pipeline")
    assert made.corpus.questions
    assert made.heldout == "outputs/demo/segments/web/heldout/test.jsonl"
    assert made.gate.path == "outputs/demo/segments/web/heldout/development.jsonl"


def test_the_headline_command_names_all_that_is_missing(tmp_path: Path) -> None:
    line = one_line_error(run("train.py", "model=llama65b", "data=curated_a5", f"output_root={tmp_path}"))
    assert "this machine has no GPU; use 2 node(s) of 8 x 80 GB" in line
    made_by = f"run python curate.py name=m1 output_root={tmp_path} first"
    assert line.endswith(f"; and {tmp_path}/scored/m1: no such finished folder; {made_by}")
    assert not list(tmp_path.iterdir())


def test_variants_are_asked_for() -> None:
    made = [composed("pipeline"), composed("pipeline", "experiment=paper"), composed("plan")]
    assert [config.variants for config in made] == [[], [], []]
    assert f"'variants=[{','.join(VARIANTS)}]'" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_curated_sets_follow_the_paper() -> None:
    assert composed("train", "data=curated_a4").data.min_score == 4
    everything = composed("train", "data=augmented_all").data
    assert (everything.min_score, everything.top_fraction, everything.scored) == (None, None, "outputs/scored/m0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.py", "optim.lrr=1"], "Could not override 'optim.lrr'. Key 'lrr' not in 'OptimConfig'"),
        (["train.py", "modle=llama7b"], "Could not override 'modle'. Key 'modle' not in 'PointConfig'"),
        (["train.py", "optim.lr=fast"], "Value 'fast' of type 'str' could not be converted to Float"),
        (["train.py", "optim.lr=-1"], "optim.lr=-1.0: must be positive"),
        (["train.py", "optim.end_lr=1"], "optim.end_lr=1.0: must lie in [0, optim.lr=1e-05]"),
        (["train.py", "data.max_length=9000"], "data.max_length=9000: exceeds the model's context of 8192 tokens"),
        (["train.py", "trainer.devices=2"], "2 ranks need trainer=zero3 or trainer.strategy=ddp"),
        (["train.py", "model.dtype=bfloat16"], "loses small updates; set model.dtype=float32 or adapter=lora"),
        (["train.py", "data=curated", "data.min_score=4", "data.top_fraction=0.1"], "excludes data.min_score=4.0"),
        (
            ["curate.py", "scorer=m0"],
            "scorer=m0: must be one of generated, expected, likelihood, given; the rating model is named by",
        ),
        (["curate.py", "rubric.prompt=hello"], "must contain {instruction}"),
        (
            ["train.py", "data=curated_a5", "data.as_many_as=outputs/curated/m0"],
            "data.as_many_as=outputs/curated/m0: excludes data.min_score and data.top_fraction",
        ),
        (
            ["train.py", "data.as_many_as=x"],
            "data.scored=None: a selection needs a folder written by curate.py or rewrite",
        ),
        (["rewrite.py", "top_fraction=0.1"], "top_fraction=0.1: excludes min_score=4.5; set one of them to null"),
        (
            ["pipeline.py", "variants=[rewrote]"],
            "variants=rewrote: must be one of rewrite, instruction_only, backward_likelihood, retrain",
        ),
        (
            ["pipeline.py", "variants=[rewrite]", "iterations=0"],
            "variants=['rewrite']: vary M1; set iterations=1 or more",
        ),
        (
            ["pipeline.py", "engine=openai", "engine.base_url=http://127.0.0.1:8000/v1", "engine.model=m"],
            "engine.name=openai: an endpoint serves one model, the loop asks all of its own; use engine=transformers",
        ),
        (["pipeline.py", "iterations=-1"], "iterations=-1: must be 0 or more"),
        (["segment.py", "corpus.min_chars=0"], "corpus.min_chars=0: must lie in 1..corpus.max_chars=3000"),
        (["evaluate.py", "tags=[seed,book]"], "tags=book: must be one of seed, web"),
        (["evaluate.py", "tags=[seed,seed]"], "tags=['seed', 'seed']: has one twice; name each once"),
        (["curate.py", "chunk_size=0"], "chunk_size=0: must be positive"),
        (["segment.py", "workers=0"], "workers=0: must be positive"),
        (["curate.py", "gate.pairs=1"], "gate.pairs=1: must be 0, or 2 and more"),
        (["gate.py", "gate.pairs=0"], "gate.pairs=0: leaves nothing to measure"),
        (["gate.py", "gate.min_auc=60"], "gate.min_auc=60.0: must lie in [0, 1]"),
        (["gate.py", "scorers=[rubric]"], "scorers=rubric: must be one of generated, expected, likelihood"),
        (["curate.py", "samples=3", "generation.temperature=0"], "samples=3: greedy ratings are all alike"),
        (
            ["curate.py", "scorer=likelihood", "likelihood=both", "backward_path=null"],
            "backward_path=None: likelihood=both needs the backward model",
        ),
        (["curate.py", "rubric.lowest=2"], "rubric.lowest=2: must be 0 or 1"),
        (
            ["train.py", "trainer=zero3", "trainer.nodes=2", "model=tiny", "trainer.accelerator=cpu"],
            "start the ranks on every node",
        ),
        (
            ["train.py", "experiment=smoke"],
            "experiment=smoke: is for pipeline.py, plan.py; train.py takes backward, laptop, m0, m1, m2",
        ),
        (
            ["train.py", "experiment=paper"],
            "experiment=paper: is for pipeline.py, plan.py; train.py takes backward, lap",
        ),
        (["train.py", "-m", "experiment=demo", "seed=0,1"], "experiment=demo: is for pipeline.py, plan.py; train.py"),
        (["augment.py", "experiment=m0"], "experiment=m0: is for train.py; augment.py takes none"),
        (
            ["pipeline.py", "experiment=m1"],
            "experiment=m1: is for train.py; pipeline.py takes back_and_forth, demo, laptop, paper",
        ),
        (
            ["pipeline.py", "experiment=paper", "model=llama65b", "engine=transformers"],
            "engine.device=cpu: the model is trained on GPUs; add engine=vllm, or =gpu for a model that one GPU holds",
        ),
        (
            ["train.py", "data.seed_path=/tmp/ü/a.jsonl"],
            "data.seed_path=/tmp/ü/a.jsonl: cannot be read; a value with signs other than letters, digits and ./:_- goes into "
            "quotes: 'data.seed_path=\"/tmp/ü/a.jsonl\"'",
        ),
        (["train.py", "name=a(b)"], "name=a(b): cannot be read; a value with signs other than"),
        (["train.py", "optim.lr:1e-4"], "optim.lr:1e-4: is no KEY=VALUE; --help lists the keys"),
        (["train.py", "data.seed_path="], "data.seed_path='': names nothing; give a path or Hub id, or leave it out"),
        (
            ["train.py", "model=gpt5"],
            "Could not find 'model/gpt5'; Available options in 'model': gemma3; llama2_70b; llama33b",
        ),
    ],
)
def test_slips_fail_in_one_line_with_status_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    assert message in one_line_error(run(*arguments, f"output_root={tmp_path}"))


def test_a_path_may_begin_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    made = composed("train", 'data.seed_path="~/pairs.jsonl"', 'output_root="~/out"')
    assert (made.data.seed_path, made.output_root) == ("/home/anna/pairs.jsonl", "/home/anna/out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a\nb"}, "name='a\\nb': must name a folder below output_root"),
        ({"output_root": ""}, "output_root='': names no folder; use . for this one"),
    ],
)
def test_a_folder_that_could_not_be_found_again_is_refused(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as error:
        print(config.TrainConfig(**options).folder)
    assert str(error.value) == message


@pytest.mark.parametrize("words", [["train.py", "--help"], ["plan.py"], ["report.py", "--cfg", "job"]])
def test_a_reader_that_leaves_early_is_told_nothing(words: list[str]) -> None:
    """As `train.py --help | head -1`: no traceback and no error about a pipe, whatever has been read."""
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() in (0, 128 + 13)


def test_full_error_shows_the_traceback(tmp_path: Path) -> None:
    result = run("train.py", "optim.lr=-1", f"output_root={tmp_path}", HYDRA_FULL_ERROR="1")
    assert result.returncode == 2
    assert "Traceback" in result.stderr


def test_answers_at_evaluation_may_fill_the_papers_context() -> None:
    assert composed("evaluate").generation.max_new_tokens == 1024
    assert composed("train", "evaluation=heldout").evaluation.generation.max_new_tokens == 1024
    evaluations = [stage for stage in whole_loop(composed("pipeline", "experiment=paper")) if stage.kind == "evals"]
    assert {stage.generation.max_new_tokens for stage in evaluations} == {1024}
    demo = [stage for stage in whole_loop(composed("pipeline")) if stage.kind in ("evals", "candidates")]
    assert len({stage.generation.max_new_tokens for stage in demo}) == 1
