"""Which part of a dataset the human pairs are, and what its columns are called."""

from dataclasses import dataclass, field, fields

from humpback_exp.config.identity import artifact_input


@dataclass(kw_only=True, slots=True, unsafe_hash=True)
class ColumnsConfig:
    """What a dataset calls its columns, where it has names of its own."""

    id: str | None = None
    instruction: str | None = None
    input: str | None = None
    """Joined to the instruction by a blank line."""
    output: str | None = None
    messages: str | None = None
    """A chat, of which the first turn is taken."""

    @property
    def named(self) -> dict[str, str]:
        """Our name -> the dataset's, of those that differ."""
        return {f.name: name for f in fields(self) if (name := getattr(self, f.name)) is not None}

    @property
    def inactive_fields(self) -> set[str]:
        return {f.name for f in fields(self)} - self.named.keys()


@dataclass(kw_only=True, slots=True, unsafe_hash=True)
class DatasetConfig:
    """Options for pairs from the Hugging Face Hub, or from a file or folder laid out like those of the Hub."""

    name: str | None = None
    """The configuration (or subset) of a dataset that has several; None takes its default one."""
    split: str = "train"
    """The split, or several joined by +, as in train+validation. A single file has no splits and is read whole."""
    revision: str | None = None
    """Branch, tag or commit on the Hub; None takes main. A run records the commit that it stood for."""
    most: int | None = None
    """At most this many pairs, drawn by the seeded order of their ids; a dataset with fewer is read whole. For the seed
    data.seed_size takes its place and refuses fewer."""
    subset: str | None = None
    """Only the rows whose column `dataset` says so, as of AlpacaEval's five sets."""
    count: int | None = None
    """How many rows there must be, before `without` and `most`; another number is refused."""
    without: str | None = artifact_input()
    """A file of prompts to leave out, whatever their answers."""
    prompts_only: bool = False
    """Whether outputs are not read: prompts are answered and judged, but a model's answer is no human's and has no loss."""
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)

    @property
    def inactive_fields(self) -> set[str]:
        """Options left as they are: a run without them is the run that it was before there were any."""
        usual = (None, "train", False)
        return {f.name for f in fields(self) if f.name != "columns" and getattr(self, f.name) in usual}
