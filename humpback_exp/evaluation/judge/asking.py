"""A judge that answers each question once: what it said is kept by question, a failure is not, and is asked again."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from humpback_exp.artifacts import digest, fingerprint
from humpback_exp.bulk.chunks import chunked
from humpback_exp.config import EngineConfig, JudgeConfig, identity
from humpback_exp.evaluation.judge.prompt import JudgePrompt, Question, judge_prompt
from humpback_exp.evaluation.judge.replies import share_of_choices, share_of_ranking
from humpback_exp.inference.openai.response_cache import ResponseCache
from humpback_exp.inference.protocol import Engine, row_seed
from humpback_exp.progress import Advance

CHUNK = 64
"""Questions asked together and then kept: what a kill can cost of a judge's time."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a judge said of a question."""

    share: float | None
    """The preference for the answer shown first, in [0, 1]; None where it could not be read."""
    reply: str
    """What it wrote; empty where it gave probabilities."""
    mass: float | None
    """The probability on the two labels, of 1; None for a written reply."""


class Judge:
    """A judge as a config describes it, and what it said before."""

    def __init__(self, config: JudgeConfig, engine: EngineConfig, seed: int, kept: Path) -> None:
        """
        Args:
            engine: what the judge runs on.
            kept: folder where its answers are kept, in a file for each judge, its settings and its prompt.
        """
        assert config.path is not None
        self.config = config
        self.seed = seed
        self.prompt: JudgePrompt = judge_prompt(config)
        self.asks_again = engine.name == "openai" or (config.verdict == "ranking" and config.generation.temperature > 0)
        settings = identity(replace(config, prompts=0, order="both", attempts=1, calibration=None))
        is_what = [fingerprint(config.path), settings, identity(engine), self.prompt.text]
        self.cache = ResponseCache(kept, "judge", *is_what)

    def known(self, question: Question) -> Reading | None:
        """What it said before."""
        value = self.cache.kept.get(key(question))
        return None if value is None else Reading(*value)

    def ask(self, load: Callable[[], Engine], questions: Sequence[Question], advance: Advance) -> list[Reading]:
        """What it says of each question. Equal questions are asked once; one without a readable verdict is asked again,
        and no longer counted as done.

        Args:
            load: the model behind the judge, called where something has not been asked before.
        """
        last: dict[Question, Reading] = {}
        missing = [question for question in dict.fromkeys(questions) if self.known(question) is None]
        advance(len(questions) - len(missing), 0)
        engine = load() if missing else None
        for attempt in range(self.config.attempts if self.asks_again else 1):
            if attempt:
                advance(-len(missing), 0)
            for chunk in chunked(missing, CHUNK):
                assert engine is not None
                for question, reading in zip(chunk, self._read(engine, chunk, attempt, advance), strict=True):
                    last[question] = reading
                    if reading.share is not None:
                        self.cache.keep(key(question), astuple(reading))
            missing = [question for question in missing if last[question].share is None]
        return [self.known(question) or last[question] for question in questions]

    def _read(self, engine: Engine, questions: Sequence[Question], attempt: int, advance: Advance) -> list[Reading]:
        conversations = [self.prompt.conversation(question) for question in questions]
        if self.config.verdict == "choice":
            rows = engine.choose(conversations, self.config.labels, "", advance)
            return [Reading(share_of_choices(row), "", sum(row)) for row in rows]
        seeds = [row_seed(self.seed, key(question), attempt) for question in questions]
        completions = engine.generate(conversations, self.config.generation, seeds, advance)
        return [Reading(share_of_ranking(each, self.config.labels), each.text, None) for each in completions]


def key(question: Question) -> Any:
    """What tells a question from others in the file of a judge."""
    return digest(astuple(question))[:32]
