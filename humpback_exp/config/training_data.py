"""What a model is trained on."""

from dataclasses import dataclass, field

from humpback_exp.config.bounds import POSITIVE, bounded, check_bounds, choice, require
from humpback_exp.config.dataset import DatasetConfig
from humpback_exp.config.identity import artifact_input, operational


@dataclass(kw_only=True, slots=True)
class DataConfig:
    """What a model is trained on: the seed, web pairs selected from a scored folder, or both."""

    seed_path: str | None = artifact_input("examples/seed.jsonl")
    """Human pairs: a file (JSON lines, JSON, CSV, Parquet, Arrow), a dataset folder or a Hub id, with instruction, input and
    output, prompt and completion, messages, or Open Assistant's trees or messages. None trains on web pairs only."""
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    """Which part of data.seed_path is read."""
    seed_size: int | None = bounded(None, POSITIVE)
    """Keep this many human pairs, drawn by the seeded order of their ids; a smaller size is a subset of a larger. A seed with fewer
    is refused, so that a sweep over sizes trains on what it says. It takes the place of data.dataset.most, which only caps."""
    scored: str | None = artifact_input()
    """Folder written by curate.py or rewrite.py, or None for the seed alone."""
    rater: str = operational("m0")
    """Whose ratings data=curated and its kin select by, in output_root/scored/."""
    min_score: float | None = None
    """Keep web pairs scored at least this; 4.5 is the paper's A_5, 4 its A_4."""
    top_fraction: float | None = None
    """Keep this share of all candidates, the best scored; for scores without a natural threshold."""
    size: int | None = None
    """Keep at most this many of the selected web pairs; a smaller size is a subset of a larger."""
    as_many_as: str | None = artifact_input()
    """A curated folder: keep as many pairs as it holds, the best scored. Makes two ways of scoring comparable."""
    direction: str = bounded("forward", choice("forward", "backward"))
    """forward learns output given instruction; backward learns instruction given output."""
    tagged: bool = True
    """Whether prompts carry the system sentence of their source (paper section 7)."""
    max_length: int = bounded(2048, POSITIVE)
    """Tokens an example may have, prompt and target together."""
    overlong: str = bounded("drop", choice("drop", "left", "right"))
    """What happens to longer examples: drop, or cut the output on its left or right side until it fits."""

    def __post_init__(self) -> None:
        check_bounds(self, "data.")
        check_selection("data.", self.min_score, self.top_fraction, self.size)
        has_pairs = self.seed_path is not None or self.scored is not None
        require(has_pairs, "data.seed_path", None, "nothing to train on; set data.seed_path or data.scored")
        has_threshold = (self.min_score, self.top_fraction) != (None, None)
        remedy = "excludes data.min_score and data.top_fraction; set them to null"
        require(self.as_many_as is None or not has_threshold, "data.as_many_as", self.as_many_as, remedy)
        selects = has_threshold or self.as_many_as is not None
        remedy = "a selection needs a folder written by curate.py or rewrite.py"
        require(self.scored is not None or not selects, "data.scored", None, remedy)


def check_selection(prefix: str, min_score: float | None, top_fraction: float | None, size: int | None) -> None:
    """Raise unless at most one of threshold and share is set and both are in range."""
    remedy = f"excludes {prefix}min_score={min_score}; set one of them to null"
    require(min_score is None or top_fraction is None, f"{prefix}top_fraction", top_fraction, remedy)
    require(top_fraction is None or 0 < top_fraction <= 1, f"{prefix}top_fraction", top_fraction, "must lie in (0, 1]")
    require(size is None or size > 0, f"{prefix}size", size, "must be positive or null")
