"""Prompts that a model has seen in training: those that share 13 words in a row with a training pair.

A shorter prompt counts where it is a whole instruction of the training pairs, word for word.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import TrainConfig, read
from humpback_exp.data.examples import training_examples
from humpback_exp.progress import log
from humpback_exp.records import Example
from humpback_exp.word_runs import Run, runs, runs_or_whole


def overlap(model_path: str, prompts: Sequence[Example]) -> dict[str, list[str]]:
    """Source (seed or web) -> ids of the prompts that stand in that model's training pairs; nothing where these are not known."""
    folder = Path(model_path)
    if not artifacts.is_finished(folder) or artifacts.load(folder).kind != "models":
        return {}
    config = read(folder / "config.yaml", TrainConfig)
    try:
        examples = training_examples(config.data, config.seed)
    except ValueError as error:
        log.warning("%s: its overlap with the prompts is not known (%s)", model_path, error)
        return {}
    sources = {"seed": config.data.seed_path, "web": config.data.scored}
    found = overlapping(prompts, examples)
    return {source: sorted(found.get(source, ())) for source, path in sources.items() if path}


def overlapping(prompts: Sequence[Example], examples: Iterable[Example]) -> dict[str, set[str]]:
    """Source of the examples -> ids of the prompts that overlap with one of them."""
    index: dict[Run, set[str]] = {}
    for prompt in prompts:
        for run in runs_or_whole(prompt.instruction):
            index.setdefault(run, set()).add(prompt.id)
    found: dict[str, set[str]] = {}
    for example in examples:
        shared = (runs_or_whole(example.instruction) | runs(example.output)) & index.keys()
        found.setdefault(example.source, set()).update(*(index[run] for run in shared))
    return found
