"""How many rows of which length a loop handles: set in the config, counted in its folders, or the paper's."""

from dataclasses import dataclass

from humpback_exp.config import PlanConfig

SEED, SEGMENTS, HELDOUT = 3_200, 502_133, 250
"""Human pairs, web segments (Table 2) and prompts of the dev set (section 3.1) in the paper."""
SELECTED = {4.5: (41_821, 115, 1663), 4.0: (195_043, 206, 1985)}
"""Threshold -> pairs the paper selected with it, their mean instruction and output in characters (Table 2)."""
Found = tuple[int, str]
"""A number of rows and where they were counted."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Pairs of texts, with their mean lengths in characters."""

    count: int
    instruction: float
    output: float
    origin: str


@dataclass(frozen=True, slots=True)
class Sizes:
    """The rows of a loop; `curated` are the web pairs that each M_t is trained on."""

    seed: Rows
    candidates: Rows
    curated: Rows
    heldout: Rows


def sizes_of(config: PlanConfig, found: dict[str, Found]) -> Sizes:
    """The rows of a loop.

    Args:
        found: `seed`, `segments`, `curated` and `heldout`, as far as they are there to be counted.

    Raises:
        ValueError: the paper reports no size for this threshold.
    """
    sizes = config.sizes
    seed, origin = _count(sizes.seed, found.get("seed"), SEED)
    human = Rows(seed, sizes.seed_instruction, sizes.seed_output, origin)
    segments, origin = _count(sizes.segments, found.get("segments"), SEGMENTS)
    output = min(sizes.segment, config.corpus.max_chars)
    candidates = Rows(min(segments, config.limit or segments), sizes.instruction, output, origin)
    pairs, origin = _count(sizes.heldout, found.get("heldout"), HELDOUT)
    heldout = Rows(pairs, sizes.seed_instruction, sizes.seed_output, origin)
    return Sizes(human, candidates, _curated(config, candidates, found.get("curated")), heldout)


def _count(wanted: int | None, found: Found | None, paper: int) -> Found:
    if wanted is not None:
        return wanted, "set"
    return found or (paper, "assumed, the paper's")


def _curated(config: PlanConfig, candidates: Rows, found: Found | None) -> Rows:
    """The selection: as many as the paper's threshold kept of its candidates, or the share that is asked for."""
    sizes, score = config.sizes, config.min_score
    selected, instruction, output = SELECTED.get(score or 0, (SEGMENTS, candidates.instruction, candidates.output))
    share = selected / SEGMENTS if config.top_fraction is None else config.top_fraction
    if score is not None and score not in SELECTED and sizes.curated is None and found is None:
        raise ValueError(f"min_score={score}: the paper reports sizes for 4 and 4.5 only; set sizes.curated")
    count, origin = _count(sizes.curated, found, round(share * candidates.count))
    if origin.startswith("assumed"):
        origin = f"assumed, {share:.1%} of the candidates" + (" (paper)" if score else "")
    return Rows(
        min(count, config.data.size or count),
        sizes.curated_instruction or instruction,
        sizes.curated_output or output,
        origin,
    )
