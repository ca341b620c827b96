"""Benchmarks: the digits of lm-eval's own command line, local questions, the tag in the prompt, floors and categories."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.artifacts import Manifest
from humpback_exp.config import EngineConfig, EvaluateConfig, TrackingConfig
from humpback_exp.config.measurements import BenchmarksConfig, benchmark
from humpback_exp.evaluation.benchmarks import crows_pairs, ifeval
from humpback_exp.evaluation.benchmarks.tasks import require_task
from humpback_exp.planning.preflight import check_machine
from humpback_exp.prompts import TEMPLATES, text_digest
from humpback_exp.stages import evaluate
from humpback_exp.tracking import Tracker
from tests.conftest import SHARED, one_line_error, run

pytest.importorskip("lm_eval", reason="lm-eval is not installed (extra eval)")
SYSTEM = "Answer in the style of an AI Assistant. Answer with knowledge from web search."
SUBJECTS = ("botany", "tides")
GENERATION = """
task: mini_generation
dataset_path: json
dataset_kwargs: {data_files: {test: DATA/mini_generation.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "Say {{word}}:"
doc_to_target: word
generation_kwargs: {until: ["."], max_gen_toks: 6, do_sample: false}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
metadata: {version: 1.0}
"""


def lines(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions in the Hub's columns, and task files of a group like MMLU and of a task that writes."""
    import lm_eval.tasks

    folder = tmp_path_factory.mktemp("questions")
    choices = [
        {"goal": f"Open jar {n}.", "sol1": f"Turn lid {n}.", "sol2": "Freeze it", "label": n % 2} for n in range(7)
    ]
    lines(folder / "piqa/validation.jsonl", choices)
    pairs = [
        {"sent_more": f"Group {n} is lazy.", "sent_less": f"People {n} rest.", "bias_type": kind}
        for n, kind in enumerate(["age", "race-color", "age", "race-color", "age"])
    ]
    lines(folder / "crows_pairs_english/test.jsonl", pairs)
    lines(folder / "mini_generation.jsonl", [{"word": word} for word in ("tea", "rain", "a")])
    template = Path(lm_eval.tasks.__file__).parent / "mmlu/default/_default_template_yaml"
    for subject in SUBJECTS:
        asked = [{"question": f"{subject} {n}?", "choices": list("wxyz"), "answer": n % 4} for n in range(5)]
        lines(folder / f"{subject}/test.jsonl", asked)
        lines(folder / f"{subject}/dev.jsonl", asked[:3])
        files = {split: str(folder / f"{subject}/{split}.jsonl") for split in ("test", "dev")}
        own = {"include": str(template), "task": f"mini_{subject}", "dataset_path": "json", "dataset_name": None}
        (folder / f"tasks_{subject}.yaml").write_text(json.dumps(own | {"dataset_kwargs": {"data_files": files}}))
    mean = [{"metric": "acc", "weight_by_size": True}]
    group = {"group": "mini", "task": [f"mini_{subject}" for subject in SUBJECTS], "aggregate_metric_list": mean}
    (folder / "tasks_group.yaml").write_text(json.dumps(group | {"metadata": {"version": 1}}))
    (folder / "tasks_generation.yaml").write_text(GENERATION.replace("DATA", str(folder)))
    return folder


@pytest.fixture(scope="module")
def config(varied: str, questions: Path, tmp_path_factory: pytest.TempPathFactory) -> EvaluateConfig:
    return EvaluateConfig(
        name="m",
        model_path=varied,
        output_root=str(tmp_path_factory.mktemp("outputs")),
        tracking=TrackingConfig(mode="none"),
        engine=EngineConfig(dtype="float32", batch_size=4),
        evaluations=["piqa", "crows_pairs", "lm_eval/mini_generation", "lm_eval/mini", "lm_eval/mini_2shot"],
        benchmarks=BenchmarksConfig(data=None, tasks=str(questions)),
    )


def measured(config: EvaluateConfig) -> Manifest:
    return evaluate.run(config, artifacts.begin(config), Tracker())


@pytest.fixture(scope="module")
def chatted(config: EvaluateConfig, questions: Path) -> Manifest:
    """In two commands: local questions belong to the tasks they are asked for."""
    local = replace(config.benchmarks, data=str(questions))
    measured(replace(config, evaluations=["piqa", "crows_pairs"], benchmarks=local))
    return measured(config)


def command_line(config: EvaluateConfig, tasks: str, folder: Path, *words: str) -> dict[str, dict[str, float]]:
    """The results that lm-eval's own command line writes."""
    include = folder / "include"
    shutil.copytree(str(config.benchmarks.tasks), include)
    for path in config.folder.glob("*/tasks/*.yaml"):
        shutil.copy(path, include)
    command = ["-m", "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={config.model_path},dtype=float32"]
    command += ["--tasks", tasks, "--include_path", str(include), "--device", "cpu", "--batch_size", "4"]
    result = subprocess.run(
        [sys.executable, *command, "--output_path", str(folder / "out"), *words], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-2000:]
    (path,) = (folder / "out").rglob("results_*.json")
    return json.loads(path.read_text())["results"]


@pytest.mark.slow
def test_digits_are_those_of_the_command_line(chatted: Manifest, config: EvaluateConfig, tmp_path: Path) -> None:
    words = ("--apply_chat_template", "--system_instruction", SYSTEM)
    theirs = command_line(config, "piqa,crows_pairs_english,mini_generation,mini", tmp_path, *words)
    ours = chatted.metrics
    for name, task, metric in (
        ("piqa", "piqa", "acc"),
        ("piqa", "piqa", "acc_norm"),
        ("crows_pairs", "crows_pairs_english", "pct_stereotype"),
        ("crows_pairs", "crows_pairs_english", "likelihood_diff"),
        ("mini_generation", "mini_generation", "exact_match"),
        ("mini", "mini", "acc"),
        ("mini_botany", "mini_botany", "acc"),
    ):
        assert ours[f"{name}_{metric}"] == theirs[task][f"{metric},none"]
        assert ours[f"{name}_{metric}_error"] == theirs[task][f"{metric}_stderr,none"]


def test_what_was_asked_how_is_in_the_manifest(chatted: Manifest, config: EvaluateConfig) -> None:
    setup = chatted.metrics["piqa_setup"]
    assert (setup["lm_eval"], setup["system"], setup["limit"]) == ("0.4.13", SYSTEM, None)
    assert setup["chat_template"] == text_digest(TEMPLATES["inst"]) and len(setup["data"]) == 16
    assert "mini_2shot_acc" in chatted.metrics and "pct_stereotype" not in chatted.metrics
    rows = [json.loads(line) for line in (config.folder / "piqa/samples.jsonl").read_text().splitlines()]
    asked = rows[0]["arguments"][0][0]
    assert asked == f"<s>[INST] Question: Open jar 0.\nAnswer: {SYSTEM} [/INST]"


def test_without_a_template_there_is_no_tag(config: EvaluateConfig, questions: Path) -> None:
    """lm-eval would glue the tag to the question; and each measurement has settings of its own."""
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager

    plain = replace(config, name="plain", evaluations=["lm_eval/mini"])
    plain.benchmarks = replace(config.benchmarks, chat_template=False)
    found = measured(plain).metrics
    assert found["mini_setup"]["chat_template"] is None and found["mini_setup"]["system"] is None
    theirs = simple_evaluate(
        "hf",
        {"pretrained": config.model_path, "dtype": "float32"},
        tasks=["mini"],
        batch_size=4,
        device="cpu",
        task_manager=TaskManager(include_path=str(questions), include_defaults=False),
    )
    assert found["mini_acc"] == theirs["results"]["mini"]["acc,none"]
    plain.benchmarks = replace(config.benchmarks, chat_template=True)
    with pytest.raises(ValueError, match=r"benchmarks.chat_template=False there, True here"):
        artifacts.begin(plain)
    assert artifacts.begin(
        replace(plain, evaluations=["lm_eval/mini"], benchmarks=BenchmarksConfig(chat_template=False))
    ).finished


def test_missing_questions_are_named_in_one_line(config: EvaluateConfig, questions: Path) -> None:
    local = replace(config.benchmarks, data=str(questions))
    with pytest.raises(ValueError, match=r"lacks mmlu_\w+/test.jsonl, .* and 52 more; put the questions there"):
        measured(replace(config, name="n", evaluations=["mmlu"], benchmarks=local))
    with pytest.raises(ValueError, match=r"lacks mmlu_\w+/dev.jsonl, mmlu_\w+/test.jsonl, .* and 109 more"):
        measured(replace(config, name="n", evaluations=["mmlu_5shot"], benchmarks=local))
    with pytest.raises(ValueError, match="evaluations=lm_eval/minimal: no task of lm-eval has this name"):
        require_task({}, "minimal")
    assert not (config.folder.parent / "n/manifest.json").exists()


def test_too_few_examples_are_refused_before_a_model_is_loaded(config: EvaluateConfig) -> None:
    with pytest.raises(ValueError, match="evaluations=lm_eval/mini_4shot: mini_botany has 3 examples to show"):
        measured(replace(config, name="n", model_path="no/model", evaluations=["lm_eval/mini_4shot"]))


def test_what_cannot_be_asked_is_refused_before_training(config: EvaluateConfig) -> None:
    check_machine(config)
    with pytest.raises(ValueError, match="^benchmarks.data=nowhere: no such folder"):
        check_machine(replace(config, name="n", benchmarks=BenchmarksConfig(data="nowhere")))
    served = EngineConfig(name="openai", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(ValueError, match="^engine=openai: benchmarks need the model itself"):
        check_machine(replace(config, name="n", engine=served))


def test_without_the_hub_a_folder_is_asked_for(config: EvaluateConfig) -> None:
    with pytest.raises(
        ValueError, match=r"evaluations=obqa: its questions cannot be fetched from the Hub .*benchmarks.data="
    ):
        measured(replace(config, name="n", evaluations=["obqa"]))


def test_names_of_benchmarks() -> None:
    assert benchmark("mmlu_5shot") == ("mmlu", 5) and benchmark("siqa") == ("social_iqa", None)
    assert benchmark("lm_eval/hellaswag_10shot") == ("hellaswag", 10) and benchmark("heldout") is None
    assert one_line_error(run("evaluate.py", "evaluations=[hellaswag]")).endswith("ifeval, or lm_eval/TASK")


def test_crows_pairs_by_category() -> None:
    rows = [
        {"doc": {"bias_type": kind}, "pct_stereotype": share}
        for kind, share in (("age", 1.0), ("race-color", 0.0), ("age", 0.0), ("race-color", 0.0))
    ]
    assert crows_pairs.by_category(rows) == {
        "age_pct_stereotype": 0.5,
        "age_pct_stereotype_error": 0.5,
        "race_color_pct_stereotype": 0.0,
        "race_color_pct_stereotype_error": 0.0,
    }


DOCS = [
    ("Say hello without any commas.", ["punctuation:no_comma"], [{}]),
    ("Write 100 words at least.", ["length_constraints:number_words"], [{"relation": "at least", "num_words": 100}]),
    ("Use the word rain.", ["keywords:existence", "punctuation:no_comma"], [{"keywords": ["rain"]}, {}]),
]


def test_floors_of_ifeval() -> None:
    docs = [dict(key=0, prompt=text, instruction_id_list=ids, kwargs=given) for text, ids, given in DOCS]
    ifeval.require_punkt(docs)
    with ifeval.no_download():
        found = ifeval.floors([{"doc": doc} for doc in docs])
    assert {value for key, value in found.items() if key.startswith("floor_empty")} == {0.0}
    assert found["floor_echo_prompt_level_strict_acc"] == 2 / 3
    assert found["floor_echo_inst_level_strict_acc"] == 3 / 4
    assert found["floor_constant_inst_level_strict_acc"] == 2 / 4


def test_nltks_data_is_asked_for_where_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ifeval, "has_punkt", lambda: False)
    with pytest.raises(ValueError, match="evaluations=ifeval: needs nltk's punkt_tab .* set NLTK_DATA=FOLDER"):
        ifeval.require_punkt([{"instruction_id_list": ["length_constraints:number_sentences"]}])


def test_floors_on_prompts_of_ifeval() -> None:
    """Of its first 200 prompts those that nltk's data is not needed for."""
    path = SHARED / "ifeval/ifeval.jsonl"
    if not path.exists():
        pytest.skip(f"{path}: not here")
    docs = [json.loads(line) for line in path.read_text().splitlines()[:200]]
    docs = [doc for doc in docs if not set(doc["instruction_id_list"]) & set(ifeval.SPLIT)]
    with ifeval.no_download():
        found = ifeval.floors([{"doc": doc} for doc in docs])
    told = {kind: round(found[f"floor_{kind}_prompt_level_strict_acc"] * len(docs)) for kind in ifeval.FLOORS}
    assert (len(docs), told) == (176, {"empty": 0, "constant": 13, "echo": 41})
