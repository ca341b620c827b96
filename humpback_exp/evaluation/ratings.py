"""How a model rates: known-good pairs against the same instructions with another pair's output, by both scorers."""

from collections.abc import Sequence

from humpback_exp.config import GenerationConfig
from humpback_exp.evaluation.statistics import area_under_curve
from humpback_exp.inference.engine import Advance, Engine
from humpback_exp.inference.rating import by_likelihood, by_rating
from humpback_exp.records import Example, Rating


def rate(
    engine: Engine,
    pairs: Sequence[Example],
    rubric: str,
    sampling: GenerationConfig,
    seed: int,
    tagged: bool,
    advance: Advance,
) -> list[Rating]:
    """Each pair as it is and with the next pair's output, rated by both scorers; each rating is asked for once."""
    shifted = [*pairs[1:], pairs[0]]
    asked = [(p.id, True, (p.instruction, p.output)) for p in pairs]
    asked += [(p.id, False, (p.instruction, other.output)) for p, other in zip(pairs, shifted, strict=True)]
    texts = [text for _, _, text in asked]
    written = by_rating(
        engine, texts, [f"{i}:{true}" for i, true, _ in asked], rubric, sampling, 1, seed, tagged, advance
    )
    gains = by_likelihood(engine, texts, tagged, advance)
    rows = [
        Rating(id=i, scorer="generated", true=true, score=score, raw=raw[-1])
        for (i, true, _), (score, raw) in zip(asked, written, strict=True)
    ]
    return rows + [
        Rating(id=i, scorer="likelihood", true=true, score=gain, raw="")
        for (i, true, _), gain in zip(asked, gains, strict=True)
    ]


def summary(rows: Sequence[Rating]) -> dict[str, float]:
    """Per scorer: `readable_` share of ratings, and `auc_`: how well true pairs are told from mismatched ones."""
    figures: dict[str, float] = {}
    for scorer in ("generated", "likelihood"):
        own = [row for row in rows if row.scorer == scorer]
        scores = {
            true: [row.score for row in own if row.true is true and row.score is not None] for true in (True, False)
        }
        figures[f"readable_{scorer}"] = sum(row.score is not None for row in own) / len(own)
        figures[f"auc_{scorer}"] = area_under_curve(scores[True], scores[False])
    return figures
