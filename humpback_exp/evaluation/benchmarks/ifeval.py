"""IFEval's floors: what answers that follow no instruction score, beside which a model's figures are to be read.

Many of its instructions forbid something (no commas, fewer than 50 words), so that any short text follows them.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

CONSTANT = "I will try to help you with this."
"""A sentence that answers nothing (ours)."""
FLOORS: dict[str, Callable[[str], str]] = {
    "empty": lambda prompt: "",
    "constant": lambda prompt: CONSTANT,
    "echo": lambda prompt: prompt,
}
SPLIT = ("length_constraints:number_sentences", "change_case:capital_word_frequency")
"""Instructions that are checked with nltk's sentences and words, for which it needs its data."""


def has_punkt() -> bool:
    """Whether nltk finds its data for sentences and words."""
    import nltk

    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError:
        return False
    return True


def no_download() -> AbstractContextManager[Any]:
    """While tasks are loaded, lm-eval may not fetch nltk's data by itself, as its checks of instructions do on import."""
    import nltk

    return patch.object(nltk, "download", lambda *_, **__: False)


def seed_languages() -> None:
    """Make langdetect, by which lm-eval tells the language of an answer, say the same each time; unseeded, it does not."""
    from langdetect import DetectorFactory

    DetectorFactory.seed = 0


def require_punkt(docs: Iterable[dict[str, Any]]) -> None:
    """Raise the ValueError of nltk's data that is not here, where one of the prompts needs it."""
    needed = any(name in SPLIT for doc in docs for name in doc["instruction_id_list"])
    if needed and not has_punkt():
        raise ValueError(
            "evaluations=ifeval: needs nltk's punkt_tab to count sentences and words, and it is not here; run python -m "
            "nltk.downloader -d FOLDER punkt_tab where there is a network, and set NLTK_DATA=FOLDER"
        )


def floors(samples: Sequence[dict[str, Any]]) -> dict[str, float]:
    """`floor_KIND_METRIC` for the empty answer, a constant sentence and the prompt echoed, by lm-eval's own checks."""
    from lm_eval.tasks.ifeval.utils import agg_inst_level_acc, process_results

    seed_languages()
    found = dict[str, float]()
    for kind, answer in FLOORS.items():
        random.seed(0)  # as lm-eval does before it asks; where an instruction leaves a number out, its check draws one
        rows = [process_results(row["doc"], [answer(row["doc"]["prompt"])]) for row in samples]
        for key in rows[0]:
            values = [row[key] for row in rows]
            mean = agg_inst_level_acc(values) if key.startswith("inst") else sum(values) / len(values)
            found[f"floor_{kind}_{key}"] = float(mean)
    return found
