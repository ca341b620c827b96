"""One benchmark: checked, asked through lm-eval, and its figures as the manifest has them."""

import json
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import sha256, write_text
from humpback_exp.config import EvaluateConfig
from humpback_exp.config.measurements import benchmark
from humpback_exp.evaluation.benchmarks import crows_pairs, ifeval
from humpback_exp.evaluation.benchmarks.tasks import leaves, manager, point_at, require_task
from humpback_exp.evaluation.measurement import Evaluation, Measured
from humpback_exp.progress import log
from humpback_exp.prompts import text_digest

BESIDE = {"ifeval": ifeval.floors, "crows_pairs_english": crows_pairs.by_category}
"""Task -> what is told beside its own figures, made of its samples."""


def check(evaluation: Evaluation, name: str) -> None:
    """Raise the ValueError of a task that does not exist, or whose questions or examples are neither here nor on the Hub."""
    task, tasks = _prepared(evaluation, name)
    try:
        with ifeval.no_download():
            loaded = tasks.load(task)["tasks"]
    except (OSError, ConnectionError) as error:
        why = " ".join(str(error).split())[:200]
        bound = f"its questions cannot be fetched from the Hub ({why}); put them into a folder and set benchmarks.data="
        raise ValueError(f"evaluations={name}: {bound}") from None
    for each in loaded.values():
        _require_examples(each, name)
    if task == "ifeval":
        ifeval.seed_languages()
        ifeval.require_punkt(loaded[task].eval_docs)


def _require_examples(task: Any, name: str) -> None:
    """Raise the ValueError of a task with fewer examples than are asked for."""
    shots = (benchmark(name) or ("", None))[1]
    there = len(list(task.fewshot_docs())) if shots else 0
    if shots and there < shots:
        raise ValueError(f"evaluations={name}: {task.task_name} has {there} examples to show; ask with so many at most")


def measure(evaluation: Evaluation, name: str) -> Measured:
    """The figures of one benchmark with their standard errors; lm-eval's whole results and samples lie in a folder of its name."""
    folder = evaluation.folder / name
    if not (folder / "results.json").exists():
        found = _evaluated(evaluation, name)
        samples = [row for rows in found.pop("samples").values() for row in rows]
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "samples.jsonl", "".join(f"{json.dumps(row, default=str)}\n" for row in samples))
        write_text(folder / "results.json", json.dumps(found, indent=1, default=str))
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return Measured(metrics=_figures(found, name) | {f"{_metric(name)}_setup": found["setup"]})


def _prepared(evaluation: Evaluation, name: str) -> tuple[str, Any]:
    """Task and TaskManager, with task files of our own where the questions lie in a folder."""
    config, (task, shots) = evaluation.config.benchmarks, benchmark(name) or ("", None)
    tasks = manager(task, config)
    require_task(tasks.task_index, task)
    if config.data is None:
        return task, tasks
    generated = evaluation.folder / name / "tasks"
    point_at(Path(config.data), list(leaves(tasks.task_index, task)), shots, generated)
    return task, manager(task, config, generated)


def _evaluated(evaluation: Evaluation, name: str) -> dict[str, Any]:
    """What `lm_eval run` would give, in its own words, with `setup` added; so much as is worth keeping."""
    from lm_eval.evaluator import simple_evaluate

    config, (task, shots) = evaluation.config, benchmark(name) or ("", None)
    lm = evaluation.lm
    log.info("%s: %s through lm-eval", config.name, name)
    found = simple_evaluate(
        lm,
        tasks=[task],
        num_fewshot=shots,
        limit=config.benchmarks.limit,
        task_manager=_prepared(evaluation, name)[1],
        apply_chat_template=lm.chats,
        system_instruction=lm.system,
    )
    assert found is not None
    kept = {key: found[key] for key in ("results", "group_subtasks", "versions", "n-shot", "n-samples", "samples")}
    kept["beside"] = BESIDE[task](found["samples"][task]) if task in BESIDE else {}
    kept["setup"] = _setup(config, lm) | {"data": _digests(evaluation.folder / name / "tasks")}
    return kept


def _setup(config: EvaluateConfig, lm: Any) -> dict[str, Any]:
    """How the questions were asked, for the manifest."""
    from importlib.metadata import version

    return {
        "lm_eval": version("lm-eval"),
        "chat_template": text_digest(str(lm.tokenizer.chat_template)) if lm.chats else None,
        "system": lm.system,
        "limit": config.benchmarks.limit,
    }


def _digests(generated: Path) -> str | None:
    """What identifies the local questions; None where they came from the Hub."""
    import yaml

    if not generated.exists():
        return None
    made = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(generated.glob("*.yaml"))]
    files = [path for one in made for path in sorted(one["dataset_kwargs"]["data_files"].values())]
    return text_digest([sha256(Path(path)) for path in files])


def _figures(found: dict[str, Any], name: str) -> dict[str, float]:
    """`NAME_METRIC` and `NAME_METRIC_error`; for a group those of its direct parts, too, as `NAME_PART_METRIC`."""
    task, prefix = (benchmark(name) or ("", None))[0], _metric(name)
    parts = [task, *found["group_subtasks"].get(task, [])]
    figures = dict[str, float]()
    for part in parts:
        own = prefix if part == task else f"{prefix}_{part.removeprefix(f'{task}_')}"
        figures |= {f"{own}_{key}": value for key, value in _metrics(found["results"].get(part, {})).items()}
    return figures | {f"{prefix}_{key}": value for key, value in found["beside"].items()}


def _metrics(results: dict[str, Any]) -> dict[str, float]:
    """lm-eval's `acc,none` and `acc_stderr,none` as `acc` and `acc_error`; another filter's name stays."""
    figures = {}
    for key, value in results.items():
        metric, comma, kind = key.partition(",")
        if comma and isinstance(value, int | float):
            figures[metric.replace("_stderr", "_error") + ("" if kind == "none" else f"_{kind}")] = float(value)
    return figures


def _metric(name: str) -> str:
    return name.removeprefix("lm_eval/")
