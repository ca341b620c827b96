"""What a plan is made for: a loop, the hardware it is to run on, and how much data there will be."""

from dataclasses import dataclass, field, replace

from humpback_exp.config.bounds import BELOW_ONE, POSITIVE, bounded, check_bounds, require
from humpback_exp.config.commands import PipelineConfig
from humpback_exp.config.hardware import HardwareConfig


@dataclass(kw_only=True, slots=True)
class SizesConfig:
    """How much data the loop will see. Counts left at null are read from the folders of the loop, else they are the paper's;
    lengths are the paper's, in characters."""

    pages: int | None = bounded(None, POSITIVE)
    """Pages of the corpus, whose segmentation is then planned, too."""
    sample: str | None = None
    """A finished folder of segments of such pages (corpus.pages=10000 draws some), whose rates are taken instead of ours."""
    seed: int | None = bounded(None, POSITIVE)
    """Human pairs; else those of data.seed_path, else 3,200 (paper Table 2)."""
    segments: int | None = bounded(None, POSITIVE)
    """Web segments, and so candidates; else those of the segments folder, else 502,133 (paper Table 2)."""
    curated: int | None = bounded(None, POSITIVE)
    """Web pairs each M_t is trained on; else those of the curated folder, else the paper's share of the segments: 8.3 % at
    data.min_score=4.5, 38.8 % at 4 (Table 2), or data.top_fraction."""
    heldout: int | None = bounded(None, POSITIVE)
    """Held-out pairs; else those of the heldout file, else 250 (paper section 10)."""
    seed_instruction: int = 148
    seed_output: int = 1072
    """Of the seed (paper Table 2)."""
    instruction: int = 352
    segment: int = 1722
    """Of all candidates (paper Table 2)."""
    curated_instruction: int | None = None
    curated_output: int | None = None
    """Of the selected pairs; else 115 and 1,663 for A_5, 206 and 1,985 for A_4 (paper Table 2), as all candidates otherwise."""
    chars_per_token: float = bounded(3.8, POSITIVE)
    """The paper's A_5 outputs of 1,663 characters are 442 tokens (3.76), seed outputs of 1,072 are 273 (3.93), both by
    Llama 2's tokenizer (arXiv 2408.04614, Table 6)."""
    unreadable: float = bounded(0.12, BELOW_ONE)
    """Share of written ratings that cannot be read and are asked for again (a 70B rater in arXiv 2408.04614, appendix B; a 7B
    rater may be unreadable half the time)."""

    def __post_init__(self) -> None:
        check_bounds(self, "sizes.")


@dataclass(kw_only=True, slots=True)
class PlanConfig(PipelineConfig):
    """A loop that is estimated instead of run. A selection in `data` (data=curated_a4) takes the place of min_score."""

    hardware: HardwareConfig = field(default_factory=HardwareConfig)
    sizes: SizesConfig = field(default_factory=SizesConfig)

    def __post_init__(self) -> None:
        PipelineConfig.__post_init__(self)
        if self.data.scored is not None:
            self.min_score, self.top_fraction = self.data.min_score, self.data.top_fraction
            self.data = replace(self.data, scored=None, min_score=None, top_fraction=None)
        kind, device = self.hardware.accelerator, self.trainer.accelerator
        bound = f"hardware={self.hardware.name} is a {kind}; use"
        other, engine = ("cpu", "gpu") if kind == "gpu" else ("a100_80gb", "transformers")
        require(device == kind, "trainer.accelerator", device, f"{bound} hardware={other} or another trainer")
        device = self.engine.device
        require((device == "cpu") == (kind == "cpu"), "engine.device", device, f"{bound} engine={engine}")
