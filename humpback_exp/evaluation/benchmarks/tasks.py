"""The tasks of lm-eval, from its own files or the user's, and pointed at a folder of questions where one is given."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from humpback_exp.config.bounds import require
from humpback_exp.config.measurements import BenchmarksConfig
from humpback_exp.data.datasets_library import library

FAMILIES = {
    "social_iqa": "siqa",
    "piqa": "piqa",
    "arc_easy": "arc",
    "arc_challenge": "arc",
    "openbookqa": "openbookqa",
    "mmlu": "mmlu/default",
    "crows_pairs_english": "crows_pairs",
    "ifeval": "ifeval",
}
"""Task -> its folder among lm-eval's. Reading one folder is quick; reading all for a task of another name takes ten seconds."""
READERS = {".jsonl": "json", ".parquet": "parquet"}
"""How a file of questions ends -> what `datasets` reads it with."""
NAMED = 5
"""Missing files that an error names."""


def manager(task: str, config: BenchmarksConfig, generated: Path | None = None) -> Any:
    """lm-eval's TaskManager of the files that define a task.

    Args:
        generated: a folder of task files that take the place of lm-eval's own.
    """
    import lm_eval.tasks

    library()  # so that `datasets` sends nothing to the server where it counts what is read
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns of each task that a file of ours replaces
    own = [config.tasks] if config.tasks else []
    if task in FAMILIES:
        own = [str(Path(lm_eval.tasks.__file__).parent / FAMILIES[task]), *own]
    found = lm_eval.tasks.TaskManager(include_path=own, include_defaults=False) if own else None
    everything = found is None or task not in found.task_index
    if found is not None and not everything and not generated:
        return found
    paths = [*own, *[str(generated)] * bool(generated)]
    return lm_eval.tasks.TaskManager(include_path=paths, include_defaults=everything)


def leaves(index: dict[str, Any], name: str) -> Iterator[Any]:
    """The entries of lm-eval's index that a task, a group or a tag comes to."""
    entry = index[name]
    parts = entry.cfg["task"] if entry.kind.name == "GROUP" else entry.tags if entry.kind.name == "TAG" else None
    if parts is None:
        yield entry
        return
    for part in sorted(parts) if entry.kind.name == "TAG" else parts:
        yield from leaves(index, part if isinstance(part, str) else part.get("task") or part["group"])


def require_task(index: dict[str, Any], task: str) -> None:
    """Raise the ValueError of a task that lm-eval does not know."""
    bound = "no task of lm-eval has this name; lm_eval ls tasks lists them, and benchmarks.tasks=FOLDER adds your own"
    require(task in index, "evaluations", f"lm_eval/{task}", bound)


def point_at(folder: Path, entries: list[Any], shots: int | None, generated: Path) -> None:
    """Write task files that read `folder/TASK/SPLIT.jsonl` (or .parquet) into `generated`.

    Raises:
        ValueError: names the files that are missing.
    """
    found, missing = [], []
    for entry in entries:
        files, lacks = question_files(folder, entry.name, entry.cfg, shots)
        found.append((entry, files))
        missing += lacks
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    bound = f"lacks {', '.join(missing[:NAMED])}{more}; put the questions there, in the columns of the Hub's (.jsonl or .parquet)"
    require(not missing, "benchmarks.data", folder, bound)
    generated.mkdir(parents=True, exist_ok=True)
    for entry, files in found:
        (generated / f"{entry.name}.yaml").write_text(yaml.safe_dump(pointed(entry, files)), encoding="utf-8")


def question_files(
    folder: Path, task: str, cfg: dict[str, Any], shots: int | None
) -> tuple[dict[str, Path], list[str]]:
    """Split -> its file, for the splits that are there; and the files that are needed and are not."""
    splits: dict[str, Any] = {key: cfg.get(f"{key}_split") for key in ("training", "validation", "test", "fewshot")}
    asked = splits["test"] or splits["validation"]
    examples = splits["fewshot"] or splits["training"] or splits["validation"]
    needed = {asked, examples} if shots or cfg.get("num_fewshot") else {asked}
    candidates = {split: [folder / task / f"{split}{end}" for end in READERS] for split in splits.values() if split}
    there = {split: next((path for path in paths if path.is_file()), None) for split, paths in candidates.items()}
    files = {split: path for split, path in there.items() if path}
    return files, [f"{task}/{split}.jsonl" for split in sorted(needed - files.keys())]


def pointed(entry: Any, files: dict[str, Path]) -> dict[str, Any]:
    """The task file of an entry with its splits read from files; a split without one is left out."""
    keys = [f"{key}_split" for key in ("training", "validation", "test", "fewshot")]
    absent = {key: None for key in keys if entry.cfg.get(key) and entry.cfg[key] not in files}
    return {
        "include": str(entry.yaml_path),
        "task": entry.name,
        "dataset_path": READERS[next(iter(files.values())).suffix],
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {split: str(path.absolute()) for split, path in files.items()}},
    } | absent
