"""Scorers: what is asked of a model, what is asked again, and what is made of the answer; scripted and with the tiny model."""

import math
from collections.abc import Sequence

import pytest

from humpback_exp.completions import Completion
from humpback_exp.config import EngineConfig, GenerationConfig, RatingConfig, RubricConfig
from humpback_exp.curation.parsing import Rated
from humpback_exp.evaluation.scorers import models
from humpback_exp.evaluation.scorers.measure import measure
from humpback_exp.evaluation.scorers.models import Models, load_models
from humpback_exp.inference.protocol import row_seed
from humpback_exp.inference.transformers.engine import TransformersEngine
from humpback_exp.prompts import backward, forward

RUBRIC = RubricConfig(prompt="{instruction} / {output}")
PAIR = ("Name a river.", "Indus")
TOO_LONG = ("Name a river.", "word " * 5000)


def quiet(rows: int, tokens: int) -> None:
    pass


class Scripted:
    """Completions call by call, and all that was asked."""

    def __init__(self, *texts: Sequence[str | Completion]) -> None:
        self.texts, self.asked, self.seeds = list(texts), [], []

    def generate(self, conversations, sampling, seeds, advance):
        self.asked.append([conversation[-1]["content"] for conversation in conversations])
        self.seeds.append(list(seeds))
        advance(len(conversations), 10)
        return [Completion(t, 1, "stop") if isinstance(t, str) else t for t in self.texts.pop(0)]

    def choose(self, conversations, choices, assistant_prefix, advance):
        self.asked.append([conversation[-1]["content"] for conversation in conversations])
        self.choices, self.assistant_prefix = choices, assistant_prefix
        return self.texts.pop(0)


def by(config: RatingConfig, engine: Scripted, pairs: int, rubric: RubricConfig = RUBRIC, advance=quiet) -> list[Rated]:
    texts = [(f"i{n}", f"o{n}") for n in range(pairs)]
    ids = [f"c{n}" for n in range(pairs)]
    return measure(Models(engine, None), config, config.scorer, rubric, texts, ids, advance)


def test_unreadable_ratings_are_asked_again_with_other_seeds_then_abandoned() -> None:
    engine = Scripted(["Score: 4", "no idea", "Score: 9"], ["Score: 2", "Score: 7"], ["still none"])
    assert by(RatingConfig(attempts=3), engine, 3) == [
        Rated(generated=4.0, raw=["Score: 4"]),
        Rated(generated=2.0, raw=["no idea", "Score: 2"], re_asked=True),
        Rated(raw=["Score: 9", "Score: 7", "still none"], dropped="unreadable"),
    ]
    assert engine.asked == [["i0 / o0", "i1 / o1", "i2 / o2"], ["i1 / o1", "i2 / o2"], ["i2 / o2"]]
    assert engine.seeds == [
        [row_seed(0, name, 0) for name in ("c0", "c1", "c2")],
        [row_seed(0, name, 1) for name in ("c1", "c2")],
        [row_seed(0, "c2", 2)],
    ]


def test_empty_and_overlong_ratings_are_told_from_unreadable_ones() -> None:
    """What does not fit the context is not asked again."""
    engine = Scripted([" ", "no idea", Completion("", 0, "overflow")], ["", ""])
    rated = by(RatingConfig(attempts=2), engine, 3)
    assert [row.dropped for row in rated] == ["empty", "unreadable", "longer than the context"]
    assert engine.asked[1] == ["i0 / o0", "i1 / o1"]


def test_greedy_ratings_are_asked_for_once() -> None:
    engine = Scripted(["no idea"])
    (row,) = by(RatingConfig(attempts=3, generation=GenerationConfig(temperature=0)), engine, 1)
    assert (row.raw, row.dropped) == (["no idea"], "unreadable")


def test_samples_are_averaged_over_the_readable_ones_and_each_is_asked_again() -> None:
    engine = Scripted(["Score: 4", "?"], ["Score: 1"], ["Score: 5", "?"], ["?"], ["Score: 2", "Score: 2"])
    first, second = by(RatingConfig(samples=3, attempts=2), engine, 2)
    assert first == Rated(generated=11 / 3, raw=["Score: 4", "Score: 5", "Score: 2"])
    assert second == Rated(generated=1.5, raw=["?", "Score: 1", "?", "?", "Score: 2"], re_asked=True)
    seeds = [seed for call in engine.seeds for seed in call]
    assert len(set(seeds)) == len(seeds) == 8


def test_a_row_that_is_asked_again_is_taken_back_and_counted_once_with_all_its_tokens() -> None:
    counted: list[tuple[float, int]] = []
    engine = Scripted(["?", "Score: 1"], ["?"], ["Score: 3", "Score: 3"])
    by(RatingConfig(samples=2, attempts=2), engine, 2, advance=lambda *done: counted.append(done))
    assert counted == [(1.0, 10), (-0.5, 0), (0.5, 10), (1.0, 10)]


def test_the_additive_rubric_counts_nothing_met_as_the_lowest_level() -> None:
    additive = RubricConfig(name="additive", prompt="{instruction} {output}", lowest=0)
    (row,) = by(RatingConfig(), Scripted(["Score: 0"]), 1, additive)
    assert (row.generated, row.dropped) == (1.0, "")
    engine = Scripted([[0.25, 0.0, 0.0, 0.0, 0.0, 0.25]])
    (row,) = by(RatingConfig(scorer="expected"), engine, 1, additive)
    assert (row.expected, row.mass) == (3.0, 0.5)
    assert (engine.choices, engine.assistant_prefix) == (["0", "1", "2", "3", "4", "5"], "Score:")


def test_an_expected_score_is_always_readable_unless_the_pair_does_not_fit() -> None:
    engine = Scripted([[0.0, 0.0, 0.0, 0.3, 0.1], [math.nan] * 5])
    first, second = by(RatingConfig(scorer="expected"), engine, 2)
    assert (first.expected, first.mass, first.dropped) == (pytest.approx(4.25), pytest.approx(0.4), "")
    assert second == Rated(dropped="longer than the context")


def test_a_rubric_without_output_rates_the_instruction_alone() -> None:
    engine = Scripted(["Score: 3"])
    by(RatingConfig(), engine, 1, RubricConfig(prompt="Rate {instruction}."))
    assert engine.asked == [["Rate i0."]]


@pytest.fixture(scope="module")
def engine(tiny: str) -> TransformersEngine:
    return TransformersEngine(EngineConfig(dtype="float32", batch_size=3), tiny, "model_path")


def config(tiny: str, likelihood: str, tagged: bool = True) -> RatingConfig:
    return RatingConfig(scorer="likelihood", likelihood=likelihood, tagged=tagged, backward_path=tiny)


@pytest.mark.parametrize(("tagged", "web", "seed"), [(True, ["web"], True), (False, [], False)])
def test_likelihoods_are_nats_a_token(engine: TransformersEngine, tiny: str, tagged: bool, web, seed: bool) -> None:
    models = Models(engine, engine)
    (row,) = measure(models, config(tiny, "both", tagged), "likelihood", RUBRIC, [PAIR], ["a"], quiet)
    ((given, count),) = engine.losses([forward(PAIR[0], web)], [PAIR[1]], quiet)
    ((alone, _),) = engine.losses([forward("", web)], [PAIR[1]], quiet)
    ((asked, asked_count),) = engine.losses([backward(PAIR[1], seed)], [PAIR[0]], quiet)
    assert row.forward == pytest.approx((alone - given) / count)
    assert row.backward == pytest.approx(-asked / asked_count)
    assert (row.generated, row.dropped, row.raw) == (None, "", [])


@pytest.mark.parametrize("which", ["forward", "backward", "both"])
def test_a_likelihood_asks_only_what_it_needs(engine: TransformersEngine, tiny: str, which: str) -> None:
    models = Models(engine if which != "backward" else None, engine if which != "forward" else None)
    counted: list[tuple[int, int]] = []
    rated = measure(
        models, config(tiny, which), "likelihood", RUBRIC, [PAIR, TOO_LONG], ["a", "b"],
        lambda *done: counted.append(done),
    )  # fmt: skip
    assert [row.dropped for row in rated] == ["", "longer than the context"]
    assert [(row.forward is not None, row.backward is not None) for row in rated[:1]] == [
        (which != "backward", which != "forward")
    ]
    assert sum(rows for rows, _ in counted) == pytest.approx(2)


def test_the_expected_score_of_a_real_model_is_read_from_its_next_token(engine: TransformersEngine) -> None:
    (row,) = measure(Models(engine, None), RatingConfig(), "expected", RUBRIC, [PAIR], ["a"], quiet)
    conversation = [{"role": "system", "content": "Answer in the style of an AI Assistant."}]
    conversation += [{"role": "user", "content": "Name a river. / Indus"}]
    (probabilities,) = engine.choose([conversation], list("12345"), "Score:", quiet)
    assert row.mass == pytest.approx(sum(probabilities))
    assert row.expected == pytest.approx(sum(k * p for k, p in enumerate(probabilities, start=1)) / sum(probabilities))
    assert 1 <= row.expected <= 5


class Lost:
    """The losses of a model whose logits are no numbers, beside a target that cannot fit."""

    def losses(self, conversations, targets, advance):
        return [(math.nan, 3), (math.nan, 0), (3.0, 3)]


@pytest.mark.parametrize("which", ["forward", "backward", "both"])
def test_a_likelihood_that_is_no_number_is_unreadable(tiny: str, which: str) -> None:
    rated = measure(Models(Lost(), Lost()), config(tiny, which), "likelihood", RUBRIC, [PAIR] * 3, list("abc"), quiet)
    assert [row.dropped for row in rated] == ["unreadable", "longer than the context", ""]


def test_a_diverged_model_is_unreadable_under_every_scorer(tiny: str) -> None:
    lost = TransformersEngine(EngineConfig(dtype="float32"), tiny, "model_path")
    lost.model.get_output_embeddings().weight.data.fill_(math.nan)
    short = RatingConfig(attempts=1, generation=GenerationConfig(max_new_tokens=2))
    for scorer, reason in (("generated", "unfinished"), ("expected", "unreadable"), ("likelihood", "unreadable")):
        (row,) = measure(Models(lost, None), short, scorer, RUBRIC, [PAIR], ["a"], quiet)
        assert (row.generated, row.expected, row.dropped) == (None, None, reason)


@pytest.mark.parametrize(
    ("scorer", "likelihood", "loaded"),
    [
        ("generated", "forward", ["rater"]),
        ("expected", "backward", ["rater"]),
        ("likelihood", "forward", ["rater"]),
        ("likelihood", "backward", ["backward"]),
        ("likelihood", "both", ["rater", "backward"]),
        ("likelihood", "contrast", ["rater", "base"]),
        ("likelihood", "forward_contrast", ["rater", "base"]),
    ],
)
def test_only_the_models_in_use_are_loaded(monkeypatch, scorer: str, likelihood: str, loaded: list[str]) -> None:
    asked: list[str] = []
    monkeypatch.setattr(models, "load_engine", lambda engine, path, *key: asked.append(path))
    paths = {"model_path": "rater", "backward_path": "backward", "base_path": "base"}
    load_models(RatingConfig(scorer=scorer, likelihood=likelihood, **paths))
    assert asked == loaded


class Reading:
    """Losses per target, whatever stands before it, and what was asked."""

    def __init__(self, losses: dict[str, tuple[float, int]]) -> None:
        self.found, self.conversations = losses, []

    def losses(self, conversations, targets, advance):
        self.conversations = conversations
        return [self.found[target] for target in targets]


def test_contrast_is_what_training_made_likelier() -> None:
    base = Reading({"a": (12.0, 4), "b": (8.0, 4), "long": (math.nan, 0)})
    rater = Reading({"a": (6.0, 4), "b": (9.0, 4), "long": (math.nan, 0)})
    pairs = [("i", "a"), ("i", "b"), ("i", "long")]
    asked = RatingConfig(scorer="likelihood", likelihood="contrast", base_path="base")
    rated = measure(Models(rater, None, base), asked, "likelihood", RUBRIC, pairs, ["1", "2", "3"], quiet)
    assert rated == [Rated(contrast=1.5), Rated(contrast=-0.25), Rated(dropped="longer than the context")]
    assert base.conversations == rater.conversations == [forward("i", ["web"])] * 3


def test_contrast_needs_the_base_model() -> None:
    with pytest.raises(ValueError, match="^base_path=None: likelihood=contrast needs the base model; give its folder"):
        RatingConfig(scorer="likelihood", likelihood="contrast")
    assert {"base_path", "base_template"} <= RatingConfig(scorer="likelihood").inactive_fields
