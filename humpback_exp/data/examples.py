"""What a model is trained on: seed pairs, and web pairs selected from a scored folder."""

from humpback_exp import artifacts
from humpback_exp.config import DataConfig
from humpback_exp.curation.selection import select, shuffled_rank
from humpback_exp.data.seed import load_seed
from humpback_exp.records import Example, ScoredCandidate, read


def training_examples(config: DataConfig, seed: int) -> list[Example]:
    """Seed pairs in file order (in their seeded order where only some are kept), then the web pairs in theirs.

    Raises:
        ValueError: an input is missing, or the selection is empty.
    """
    examples = load_seed(config.seed_path) if config.seed_path else []
    if config.seed_size is not None:
        examples = sorted(examples, key=lambda row: shuffled_rank(seed, row.id))[: config.seed_size]
    return examples + (web_examples(config, seed) if config.scored else [])


def web_examples(config: DataConfig, seed: int) -> list[Example]:
    """The selected candidates of `config.scored` as examples."""
    assert config.scored is not None
    scored = list(read(artifacts.require_input(config.scored, "scored"), ScoredCandidate))
    kept = select(scored, min_score=config.min_score, top_fraction=config.top_fraction, size=config.size, seed=seed)
    if not kept:
        best = max((row.score for row in scored if row.score is not None), default=None)
        rule = (
            f"data.min_score={config.min_score}"
            if config.min_score is not None
            else f"data.top_fraction={config.top_fraction}"
        )
        raise ValueError(
            f"{rule}: keeps none of {len(scored)} candidates in {config.scored} (best score {best}); select more"
        )
    return [as_example(row) for row in kept]


def as_example(row: ScoredCandidate) -> Example:
    """A scored candidate as a training pair; its id stays."""
    return Example(id=row.id, source="web", instruction=row.instruction, output=row.output, score=row.score)
