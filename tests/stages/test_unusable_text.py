"""Text that is cut off, thought aloud, withheld or unscored, through the stages: a reason each, counted, and never a tie."""

import math
from collections import Counter
from pathlib import Path

import pytest

from humpback_exp import artifacts
from humpback_exp.completions import Completion
from humpback_exp.config import EvaluateConfig, GenerationConfig, JudgeConfig, TrackingConfig
from humpback_exp.evaluation import heldout, measurement
from humpback_exp.evaluation.judge.measure import judged
from humpback_exp.evaluation.judge.verdicts import Comparison, summary
from humpback_exp.evaluation.statistics import mean_and_error, ratio_and_error
from humpback_exp.records import Answer, Segment, read
from humpback_exp.stages import augment, evaluate
from humpback_exp.stages.augment import candidate, remedy
from humpback_exp.stages.rewrite import rewritten
from humpback_exp.tracking import Tracker

SEGMENT = Segment(id="s", url="u", offset=0, heading_path=["h"], text="Bread needs flour, water, salt and time.")
ASKED = "How is bread made at home?"


@pytest.mark.parametrize(
    ("completion", "instruction", "dropped"),
    [
        (Completion(ASKED, 9, "stop"), ASKED, ""),
        (Completion(ASKED, 9, "length"), ASKED, "unfinished"),
        (Completion(f"<think>A question.</think>{ASKED}", 9, "stop"), ASKED, ""),
        (Completion("<think>A question", 9, "length"), "", "reasoning alone"),
        (Completion(f"{ASKED}<|im_end|>", 9, "stop"), ASKED, ""),
        (Completion(f"<|assistant|>{ASKED}", 9, "stop"), ASKED, ""),
        (Completion("", 0, "overflow"), "", "longer than the context"),
        (Completion("", 2, "filtered"), "", "content filter"),
        (Completion("I will not.", 2, "refused"), "I will not.", "refused"),
        (Completion("I'm sorry, but I can't help with that request.", 9, "stop"), None, "refused"),
        (Completion("I cannot assist with that.", 9, "stop"), None, "refused"),
        (Completion("", 0, "failed"), "", "failed at the endpoint"),
        (Completion("go on " * 20, 64, "length"), None, "repeats itself"),
        (Completion("I can't open a file in Vim. What is wrong?", 9, "stop"), None, ""),
    ],
)
def test_an_instruction_is_whole_or_dropped_for_its_reason(
    completion: Completion, instruction: str | None, dropped: str
) -> None:
    row = candidate(SEGMENT, completion)
    assert row.dropped == dropped and row.raw == completion.text
    assert instruction is None or row.instruction == instruction


def test_unfinished_instructions_are_kept_where_that_is_asked_for() -> None:
    assert candidate(SEGMENT, Completion(ASKED, 9, "length"), drop_unfinished=False).dropped == ""
    assert GenerationConfig().unfinished == "drop"


@pytest.mark.parametrize(
    ("drops", "said"),
    [
        ({"unfinished": 5, "empty": 1}, "raise generation.max_new_tokens"),
        ({"reasoning alone": 5}, "raise generation.max_new_tokens, or use a model that does not think aloud"),
        ({"refused": 2}, "use another model or endpoint"),
        ({"empty": 5, "unfinished": 1}, "train the backward model longer"),
    ],
)
def test_advice_follows_from_what_most_were_dropped_for(drops: dict[str, int], said: str) -> None:
    assert remedy(drops) == said


PAIRS = "\n".join(f'{{"instruction": "Ask {n}?", "output": "Tell {n}."}}' for n in range(5))


class Scripted:
    """Answers and judges as the test says: probabilities by the number of the answer shown first."""

    def __init__(self, completions: list[Completion], judged: dict[str, list[float]], losses=None) -> None:
        self.completions, self.judged, self.asked, self.lost = completions, judged, [], losses

    def generate(self, conversations, sampling, seeds, advance):
        return self.completions

    def losses(self, conversations, targets, advance):
        return self.lost or [(3.0, 2)] * len(targets)

    def choose(self, conversations, choices, assistant_prefix, advance):
        texts = [conversation[-1]["content"] for conversation in conversations]
        self.asked += texts
        return [next((p for key, p in self.judged.items() if key in text), [0.8, 0.1]) for text in texts]


def evaluated(root: Path, name: str, engine: Scripted, monkeypatch: pytest.MonkeyPatch, reference: str | None = None):
    (root / "held.jsonl").write_text(PAIRS)
    config = EvaluateConfig(
        output_root=str(root), name=name, model_path="some/model", heldout=str(root / "held.jsonl"),
        reference=reference, judge=JudgeConfig(path="some/judge", prompts=5), tracking=TrackingConfig(mode="none"),
    )  # fmt: skip
    for module in (evaluate, measurement):
        monkeypatch.setattr(module, "load_engine", lambda *_, **__: engine)
    manifest = evaluate.run(config, artifacts.begin(config), Tracker())
    return manifest, list(read(config.folder, Answer))


def test_answers_that_are_not_whole_are_not_judged_and_each_is_counted(tmp_path: Path, monkeypatch) -> None:
    whole = [Completion(f"base {n}", 2, "stop") for n in range(5)]
    evaluated(tmp_path, "base", Scripted(whole, {}), monkeypatch)
    ours = [
        Completion("<think>hm</think>mine 0", 5, "stop"),
        Completion("mine 1", 2, "length"),
        Completion("<think>hm", 2, "stop"),
        Completion("mine 3", 2, "stop"),
        Completion("mine 4", 2, "stop"),
    ]
    lost = [(3.0, 2), (math.nan, 2), (math.nan, 0), (3.0, 2), (3.0, 2)]
    engine = Scripted(ours, {"mine 3": [math.nan, math.nan]}, lost)
    manifest, rows = evaluated(tmp_path, "m", engine, monkeypatch, f"{tmp_path}/evals/base")
    assert [row.dropped for row in rows] == ["", "unfinished", "reasoning alone", "", ""]
    assert [row.answer for row in rows] == ["mine 0", "mine 1", "", "mine 3", "mine 4"]
    assert not any("hm" in text or "mine 1" in text for text in engine.asked)
    assert manifest.drops == {
        "not judged: unfinished": 1, "not judged: reasoning alone": 1, "not judged: unscored": 1,
        "no loss: unreadable": 1, "no loss: longer than the context": 1,
    }  # fmt: skip
    assert (manifest.metrics["prompts"], manifest.metrics["heldout_pairs"]) == (2, 3)
    assert manifest.metrics["heldout_loss"] == 1.5


NOTHING = [[math.nan, math.nan], [0.0, 0.0], [math.nan, 0.5], [math.inf, 0.1]]


@pytest.mark.parametrize("told", NOTHING, ids=["overflow", "no mass", "half", "infinite"])
def test_one_pair_that_a_judge_cannot_score_takes_nothing_from_ten_clear_wins(
    told: list[float], tmp_path: Path
) -> None:
    rows = [Answer(id=str(n), instruction="i", human="h", answer=f"ours {n}.", loss=1.0, labels=1) for n in range(11)]

    class Judge:
        def choose(self, conversations, choices, assistant_prefix, advance):
            texts = [conversation[-1]["content"] for conversation in conversations]
            return [
                told if "ours 10." in text else [0.9, 0.1] if "Answer 1:\nours" in text else [0.1, 0.9]
                for text in texts
            ]

    compared = [Comparison(row.id, row.instruction, row.answer or "", "theirs") for row in rows]
    config = EvaluateConfig(output_root=str(tmp_path), judge=JudgeConfig(path="some/judge"))
    found = judged(config, compared, config.folder, Judge)
    assert Counter(verdict.outcome for verdict in found) == {"win": 10}
    figures = summary(found)
    assert (figures["win_rate"], figures["win_rate_error"], figures["prompts"]) == (1.0, 0.0, 10)


def test_nothing_scored_has_no_rate_and_no_error() -> None:
    figures = summary([])
    assert all(math.isnan(figures[name]) for name in ("win_rate", "win_rate_error", "preference", "position_share"))
    assert (figures["prompts"], figures["wins"], figures["ties"]) == (0, 0, 0)
    assert all(map(math.isnan, [*mean_and_error([]), *ratio_and_error([], [])]))


def test_pairs_without_any_loss_say_why() -> None:
    rows = [Answer(id="a", instruction="i", human="h", answer=None, loss=math.nan, labels=n) for n in (0, 3)]
    with pytest.raises(ValueError, match=r"none of 2 pairs has a loss \(longer than the context or unreadable\)"):
        heldout.summary(rows)


def test_a_draft_stays_where_the_rewriting_is_no_answer() -> None:
    from humpback_exp.records import ScoredCandidate

    row = ScoredCandidate(
        id="s", url="u", offset=0, heading_path=[], instruction="i", output="Bread needs flour.", score=5.0, outcome="scored"
    )  # fmt: skip
    made = rewritten(row, Completion("<think>hm</think>Take flour and water.", 9, "stop"))
    assert (made.output, made.draft_kept) == ("Take flour and water.", "")
    for completion, reason in (
        (Completion("<think>hm", 2, "length"), "reasoning alone"),
        (Completion("Take flour and", 2, "length"), "unfinished"),
        (Completion("", 0, "filtered"), "content filter"),
        (Completion("I'm sorry, I can't help with that.", 9, "stop"), "refused"),
    ):
        made = rewritten(row, completion)
        assert (made.output, made.draft_kept) == ("Bread needs flour.", reason)


def test_no_usable_instruction_names_the_reasons_and_what_helps(tmp_path: Path) -> None:
    from humpback_exp.records import Candidate, write

    cut = Candidate(
        id="a", url="u", offset=0, heading_path=[], instruction="i", output="o", raw="i", dropped="unfinished"
    )
    write(tmp_path / "data" / "00000.parquet", Candidate, [cut])
    with pytest.raises(ValueError, match=r"no usable instruction among 1 \({'unfinished': 1}\); raise generation.max"):
        augment.outcome(tmp_path)
