"""Which part of a dataset the human pairs are, and what its columns are called."""

from dataclasses import dataclass, field, fields


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
    columns: ColumnsConfig = field(default_factory=ColumnsConfig)

    @property
    def inactive_fields(self) -> set[str]:
        """Options left as they are: a run without them is the run that it was before there were any."""
        return {f.name for f in fields(self) if f.name != "columns" and getattr(self, f.name) in (None, "train")}
