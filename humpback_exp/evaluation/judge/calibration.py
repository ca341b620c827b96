"""How far a judge can be trusted: it is tried on stored verdicts, of people or of another judge, before its own are used."""

from collections.abc import Sequence
from pathlib import Path

from humpback_exp.config import JudgeConfig
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.evaluation.alpaca_eval.files import Annotation, read_annotations
from humpback_exp.evaluation.judge.bias import longer_share, position_share
from humpback_exp.evaluation.judge.verdicts import Comparison
from humpback_exp.evaluation.statistics import mean_and_error
from humpback_exp.records import Verdict


def stored_verdicts(config: JudgeConfig, seed: int) -> dict[str, Annotation]:
    """Id -> stored verdict: the first `calibration_pairs` of those that decide, in the seeded order; none without a file.

    Raises:
        ValueError: the file cannot be read, or holds no verdict that decides.
    """
    if config.calibration is None:
        return {}
    decided = [each for each in read_annotations(Path(config.calibration)) if each.preference not in (None, 1.5)]
    if not decided:
        raise ValueError(
            f"judge.calibration={config.calibration}: no verdict decides; give annotations with preferences"
        )
    drawn = sorted(decided, key=lambda each: shuffled_rank(seed, each.instruction))[: config.calibration_pairs]
    return {f"calibration-{number}": each for number, each in enumerate(drawn)}


def comparisons_of(stored: dict[str, Annotation]) -> list[Comparison]:
    """The stored verdicts' texts, to be judged again."""
    return [Comparison(name, each.instruction, each.output_2, each.output_1) for name, each in stored.items()]


def calibration(stored: dict[str, Annotation], verdicts: Sequence[Verdict]) -> dict[str, float]:
    """Agreement of the judge with the stored verdicts with its standard error, a tie of the judge's counting half, and how
    often either prefers the answer shown first or the longer one."""
    found = {verdict.id: verdict for verdict in verdicts}
    agreed = [agreement(found[name].outcome, each) for name, each in stored.items() if name in found]
    share, error = mean_and_error(agreed)
    return {
        "calibration_agreement": share,
        "calibration_agreement_error": error,
        "calibration_pairs": len(agreed),
        "calibration_unscored": len(stored) - len(agreed),
        "calibration_position_share": position_share(verdicts),
        "calibration_longer_share": _longer({v.id: v.preference for v in verdicts}, stored),
        "stored_longer_share": _longer({name: each.share or 0.0 for name, each in stored.items()}, stored),
    }


def agreement(outcome: str, stored: Annotation) -> float:
    """1 where both prefer the same answer, 0 where they differ, 0.5 where the judge sees a tie."""
    assert stored.preference is not None
    return 0.5 if outcome == "tie" else float((outcome == "win") == (stored.preference > 1.5))


def _longer(shares: dict[str, float], stored: dict[str, Annotation]) -> float:
    return longer_share(
        [(share, len(stored[name].output_2), len(stored[name].output_1)) for name, share in shares.items()]
    )
