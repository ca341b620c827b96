"""What a model is trained on: seed pairs, and web pairs selected from a scored folder."""

from pathlib import Path

from humpback_exp import artifacts
from humpback_exp.config import DataConfig
from humpback_exp.curation.selection import read_kept, select
from humpback_exp.data.seed import lengths, load_seed
from humpback_exp.progress import log
from humpback_exp.records import Example, Score, ScoredCandidate, read


def training_examples(config: DataConfig, seed: int) -> list[Example]:
    """Seed pairs in file order (in their seeded order where only some are kept), then the web pairs in theirs.

    Raises:
        ValueError: an input is missing, or the selection is empty.
    """
    return (seed_examples(config, seed) if config.seed_path else []) + (
        web_examples(config, seed) if config.scored else []
    )


def seed_examples(config: DataConfig, seed: int) -> list[Example]:
    """The human pairs of `config.seed_path`; their number and lengths go to the log."""
    assert config.seed_path is not None
    examples = load_seed(config.seed_path, dataset=config.dataset, size=config.seed_size, seed=seed)
    log.info("%s: %s", config.seed_path, lengths(examples))
    return examples


def web_examples(config: DataConfig, seed: int) -> list[Example]:
    """The selected candidates of `config.scored` as examples."""
    assert config.scored is not None
    return [as_example(row) for row in read_kept(Path(config.scored), selected_ids(config, seed))]


def selected_ids(config: DataConfig, seed: int) -> list[str]:
    """Ids of the candidates of `config.scored` that a model is trained on, in the seeded order.

    Raises:
        ValueError: the folder is missing or unfinished, or nothing is kept of it.
    """
    assert config.scored is not None
    folder = artifacts.require_input(config.scored, "scored", "rewritten")
    share = config.top_fraction if config.as_many_as is None else equal_share(config.as_many_as, folder)
    return kept_ids(folder, seed, config.min_score, share, config.size, "data.")


def kept_ids(
    folder: Path,
    seed: int,
    min_score: float | None,
    top_fraction: float | None,
    size: int | None = None,
    prefix: str = "",
) -> list[str]:
    """Ids that a selection keeps of a scored or rewritten folder, in the seeded order.

    Args:
        prefix: of the keys in the error.

    Raises:
        ValueError: it keeps nothing.
    """
    scored = list(read(folder, Score))
    kept = select(scored, min_score=min_score, top_fraction=top_fraction, size=size, seed=seed)
    if not kept:
        best = max((row.score for row in scored if row.score is not None), default=None)
        rule = f"min_score={min_score}" if min_score is not None else f"top_fraction={top_fraction}"
        why = "none has a score; rate them by another scorer" if best is None else f"best score {best:.4g}; select more"
        raise ValueError(f"{prefix}{rule}: keeps none of {len(scored)} candidates in {folder}: {why}")
    return kept


def equal_share(curated: str, folder: Path) -> float:
    """The share of a scored folder that makes as many pairs as a curated folder holds; all of it where it has fewer."""
    wanted = artifacts.load(artifacts.require_input(curated, "curated")).rows["curated"]
    return min(wanted / artifacts.load(folder).rows["candidates"], 1.0)


def as_example(row: ScoredCandidate) -> Example:
    """A scored candidate as a training pair; its id stays."""
    return Example(id=row.id, source="web", instruction=row.instruction, output=row.output, score=row.score)
