"""Every way a tokenizer spells a few short choices, and what must be read to weigh them all in one pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Ids = tuple[int, ...]


@dataclass(slots=True, frozen=True)
class Spellings:
    """Choices as token sequences behind ids that all of them begin with."""

    shared: Ids
    """The opening, and whatever else every spelling begins with."""
    choices: list[list[Ids]]
    """The spellings of every choice, different ones."""

    def paths(self) -> list[Ids]:
        """What to read behind `shared` so that every token of a spelling is predicted: the fewest sequences."""
        heads = {spelling[:-1] for spellings in self.choices for spelling in spellings}
        return sorted(head for head in heads if not any(head == other[: len(head)] for other in heads - {head}))

    def tokens(self) -> list[int]:
        """The ids that occur in a spelling."""
        return sorted({token for spellings in self.choices for spelling in spellings for token in spelling})

    def weigh(self, probability: Callable[[Ids, int], float]) -> list[float]:
        """The probability of each choice: the sum over its spellings of the product over their tokens.

        Args:
            probability: of a token behind the given ids of a path.
        """
        totals = []
        for spellings in self.choices:
            total = 0.0
            for spelling in spellings:
                product = 1.0
                for place, token in enumerate(spelling):
                    product *= probability(spelling[:place], token)
                total += product
            totals.append(total)
        return totals


def spell(encode: Callable[[str], Sequence[int]], choices: Sequence[str], opening: str) -> Spellings:
    """Spell each choice behind `opening`, with a space between and without one.

    Args:
        encode: text -> ids, without begin and end tokens. Text is encoded as a whole, so that a tokenizer that merges
            across the seam, or marks the start of a word, spells as it would in running text.

    Raises:
        ValueError: two choices are one and the same to the tokenizer.
    """
    found = [{tuple(encode(opening + gap + choice)) for gap in ("", " ")} for choice in choices]
    whole = sorted({spelling for spellings in found for spelling in spellings})
    if len(whole) < sum(map(len, found)):
        raise ValueError(f"choices={list(choices)}: the tokenizer spells two of them alike; use other ones")
    first, last = whole[0], whole[-1]
    length = next((k for k, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    length = min(length, *(len(spelling) - 1 for spelling in whole))
    return Spellings(first[:length], [sorted(spelling[length:] for spelling in spellings) for spellings in found])
