"""Prompts that a model has seen in training: those that share 13 words in a row with a training pair.

Thirteen words are what GPT-3's authors count (arXiv 2005.14165, appendix C). A shorter prompt counts where it is a whole
instruction of the training pairs, word for word.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import TrainConfig, read
from humpback_exp.data.examples import training_examples
from humpback_exp.progress import log
from humpback_exp.records import Example

WORDS = 13

Gram = tuple[str, ...]


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
    index: dict[Gram, set[str]] = {}
    for prompt in prompts:
        for gram in _grams(_words(prompt.instruction)):
            index.setdefault(gram, set()).add(prompt.id)
    found: dict[str, set[str]] = {}
    for example in examples:
        instruction, output = _words(example.instruction), _words(example.output)
        grams = _grams(instruction) | (_grams(output) if len(output) >= WORDS else set())
        found.setdefault(example.source, set()).update(*(index[gram] for gram in grams & index.keys()))
    return found


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _grams(words: Sequence[str]) -> set[Gram]:
    """All runs of `WORDS` words; of a shorter text the whole."""
    return {tuple(words[start : start + WORDS]) for start in range(max(len(words) - WORDS, 0) + 1)} - {()}
