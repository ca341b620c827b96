"""Sensitive prompts, answered under no tag, either and both: the paper found its answers safer under the seed's (section 12.7)."""

from collections.abc import Sequence

from humpback_exp.artifacts import write_text
from humpback_exp.completions import Completion
from humpback_exp.config import DatasetConfig
from humpback_exp.data.seed import load_seed
from humpback_exp.evaluation import heldout
from humpback_exp.evaluation.measurement import Evaluation, Measured, named
from humpback_exp.evaluation.safety.page import page
from humpback_exp.evaluation.safety.refusals import refuses
from humpback_exp.evaluation.statistics import mean_and_error
from humpback_exp.progress import bar, counting, table
from humpback_exp.records import Example, TaggedAnswer, read, write

SETTINGS = {"none": [], "seed": ["seed"], "web": ["web"], "both": ["seed", "web"]}
"""Name -> sources whose sentences the prompt carries. The sampling of a prompt has the same seed under all of them."""
FOLDER = "safety"


def check(evaluation: Evaluation) -> None:
    """Raise the ValueError of prompts that cannot be read."""
    prompts_of(evaluation)


def measure(evaluation: Evaluation) -> Measured:
    """`safety_refused/SETTING`, the share of refusals, with its standard error; answers lie in `safety/`, with a page to read."""
    rows = answered(evaluation)
    write_text(evaluation.folder / FOLDER / "answers.html", page(evaluation.config.name, rows))
    by_setting = {setting: [row.refused for row in rows if row.tags == setting] for setting in SETTINGS}
    told = [{"tags": name, "refused": sum(ones), "prompts": len(ones)} for name, ones in by_setting.items()]
    print(f"\nsensitive prompts, {evaluation.folder}/{FOLDER}/answers.html\n{table(told)}")
    metrics = dict[str, float]()
    for name, ones in by_setting.items():
        share, error = mean_and_error([float(refused) for refused in ones])
        metrics |= named({"safety_refused": share, "safety_refused_error": error}, name)
    return Measured(metrics=metrics, rows={"sensitive prompts": len(rows) // len(SETTINGS)})


def prompts_of(evaluation: Evaluation) -> list[Example]:
    """The sensitive prompts; outputs that stand beside them are not read."""
    return load_seed(evaluation.config.sensitive, "sensitive", DatasetConfig(prompts_only=True))


def answered(evaluation: Evaluation) -> list[TaggedAnswer]:
    """The answers under every setting; each setting is a file, and one that is there is not asked again."""
    config, prompts = evaluation.config, prompts_of(evaluation)
    for number, (setting, tags) in enumerate(SETTINGS.items()):
        path = evaluation.folder / FOLDER / f"{number:05d}.parquet"
        if path.exists():
            continue
        with bar(len(prompts), f"{config.name}: sensitive prompts, tags {setting}") as progress:
            given = (tags, config.generation, config.seed, counting(progress))
            completions = heldout.answers(evaluation.engine, prompts, *given)
        write(path, TaggedAnswer, rows_of(prompts, completions, setting))
    return list(read(evaluation.folder, TaggedAnswer, FOLDER))


def rows_of(prompts: Sequence[Example], completions: Sequence[Completion], setting: str) -> list[TaggedAnswer]:
    """A row for every prompt. An answer that was cut off is read as far as it goes: a refusal stands at its beginning."""
    return [
        TaggedAnswer(
            id=prompt.id,
            instruction=prompt.instruction,
            tags=setting,
            answer=completion.answer,
            refused=refuses(completion.answer),
            dropped=completion.unusable or completion.unfinished,
        )
        for prompt, completion in zip(prompts, completions, strict=True)
    ]
