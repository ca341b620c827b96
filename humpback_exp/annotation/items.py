"""Finished folders -> the items that people judge, blind and in an order of each rater's own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.annotation.choices import Choice, choices, guidelines
from humpback_exp.config import AnnotateConfig
from humpback_exp.curation.external import numbered_lines
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.evaluation.judge.opponents import can_be_judged
from humpback_exp.records import Answer, Pair, read


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt and the text to label, or the two texts to compare."""

    id: str
    """Tells raters nothing of what wrote the texts."""
    source: str
    """Id of the prompt or candidate."""
    prompt: str
    texts: tuple[str, ...]
    models: tuple[str, ...] = ()
    """What wrote the texts."""
    known: int | None = None
    """In the test: the value of the right choice."""


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """Everything there is to judge, and how."""

    seed: int
    choices: tuple[Choice, ...]
    guidelines: Sequence[str]
    test: Sequence[Item]
    work: Sequence[Item]

    def rank(self, rater: str, item: Item) -> str:
        """A sort key: the order in which a rater gets items."""
        return shuffled_rank(self.seed, f"{rater}:{item.id}")

    def swapped(self, rater: str, item: Item) -> bool:
        """Whether this rater sees the second of two texts first."""
        return len(item.texts) == 2 and shuffled_rank(self.seed, f"side:{rater}:{item.id}") >= "8"


def study(config: AnnotateConfig) -> Study:
    """The items of a config.

    Raises:
        ValueError: a folder is unfinished or damaged, two evaluations share no prompt, or the test cannot be read.
    """
    work = _comparisons(config.evals) if config.evals else _pairs(str(config.candidates))
    work = sorted(work, key=lambda item: shuffled_rank(config.seed, item.id))[: config.items]
    offered = choices(config)
    test = _test(Path(config.screening), offered) if config.screening else []
    return Study(config.seed, offered, guidelines(config), test, work)


def _comparisons(folders: Sequence[str]) -> list[Item]:
    """The first evaluation's answers beside those of each other one, to the prompts that both have answered."""
    names = names_of(folders)
    answers = [
        {row.id: row for row in read(artifacts.require_input(path, "evals"), Answer) if can_be_judged(row)}
        for path in folders
    ]
    found, ours = [], answers[0]
    for path, name, theirs in zip(folders[1:], names[1:], answers[1:], strict=True):
        both = [key for key in ours if key in theirs and ours[key].instruction == theirs[key].instruction]
        if not both:
            raise ValueError(
                f"evals={path}: answers no prompt that {folders[0]} answers; evaluate both on the same prompts with judge.path= set"
            )
        models = names[0], name
        for key in both:
            texts = ours[key].answer or "", theirs[key].answer or ""
            found.append(Item(_opaque(*models, key), key, ours[key].instruction, texts, models))
    return found


def names_of(folders: Sequence[str]) -> list[str]:
    """What models are called: by the folders of their evaluations, with their paths where two have one name."""
    names = [Path(path).name for path in folders]
    return names if len(set(names)) == len(names) else list(folders)


def _pairs(path: str) -> list[Item]:
    folder = artifacts.require_input(path, "candidates", "scored", "rewritten")
    of_augmentation = artifacts.load(folder).kind == "candidates"  # elsewhere `dropped` says why there is no score
    rows = (row for row in read(folder, Pair) if not (of_augmentation and row.dropped))
    return [Item(_opaque(row.id), row.id, row.instruction, (row.output,)) for row in rows]


def _test(path: Path, offered: Sequence[Choice]) -> list[Item]:
    """The items with known answers.

    Raises:
        ValueError: the file or a line of it cannot be read; the line is named.
    """
    if not path.is_file():
        raise ValueError(f"screening={path}: no such file")
    values = {choice.name: choice.value for choice in offered}
    return [_test_item(f"{path}:{number}", line, values) for number, line in numbered_lines(path, "screening")]


def _test_item(place: str, line: str, values: dict[str, int]) -> Item:
    texts = 2 if "first" in values else 1
    try:
        row = json.loads(line)
        prompt, answers, choice = str(row["instruction"]), tuple(map(str, row["answers"])), str(row["choice"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{place}: must be a JSON object of instruction, answers and choice") from None
    if len(answers) != texts or choice not in values:
        raise ValueError(f"{place}: needs answers={texts} texts and choice one of {', '.join(values)}")
    return Item(_opaque("test", prompt, *answers), place.rpartition("/")[2], prompt, answers, known=values[choice])


def _opaque(*parts: str) -> str:
    return artifacts.digest(list(parts))[:16]
