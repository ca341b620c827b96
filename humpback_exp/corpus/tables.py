"""Rows of a table of values -> lines in which every cell stands in its column. Called by writer."""

from selectolax.lexbor import LexborNode

from humpback_exp.corpus.blocks import Block

PLACED = "ul, ol, dl, pre, blockquote, h1, h2, h3, h4, h5, h6, [role=heading], td p ~ p, th p ~ p"
"""A table with one of these, or with another table, places text on a page; it holds no values."""
MAX_SPAN = 50


def places_text(table: LexborNode) -> bool:
    """Whether a table is there for the layout."""
    if table.attributes.get("role") in ("presentation", "none"):
        return True
    if len(table.css("table")) > 1 or table.css_first(PLACED) is not None:
        return True
    return table.css_first("td ~ td, th ~ td, th ~ th, td ~ th") is None


class Rows:
    """The cells of one table, row by row; a value that spans rows stands in each of them."""

    def __init__(self) -> None:
        self.rows: list[tuple[list[str], int]] = []
        self.cells: list[str] = []
        self.spans = (1, 1)
        self.below: dict[int, tuple[int, str]] = {}

    def open(self, attributes: dict[str, str | None]) -> None:
        """A cell begins."""
        self.spans = (_span(attributes.get("colspan")), _span(attributes.get("rowspan")))

    def close(self, text: str) -> None:
        """A cell ends."""
        self._fill()
        columns, rows = self.spans
        if rows > 1:
            self.below[len(self.cells)] = (rows - 1, text)
        self.cells += [text] + [""] * (columns - 1)
        self.spans = (1, 1)

    def end_row(self, link_chars: int) -> None:
        """A row ends, of whose characters so many stand in links."""
        self._fill()
        self.rows.append((self.cells, link_chars))
        self.cells = []

    def blocks(self) -> list[Block]:
        """The rows with something in them; columns that are empty in all rows are left out.

        A cell with nothing but a bracket makes a table the signature of a function.
        """
        if any("(" in cells for cells, _ in self.rows):
            return [self._signature()]
        used = sorted({at for cells, _ in self.rows for at, cell in enumerate(cells) if cell})
        lines = [(" | ".join(_values(cells, used)).strip(), links) for cells, links in self.rows if any(cells)]
        kind = "row" if any(" | " in line for line, _ in lines) else "text"
        return [Block(kind, line, min(links, len(line))) for line, links in lines]

    def _signature(self) -> Block:
        """The line of a function and its parameters, which Doxygen sets as a table with a cell for each bracket."""
        text = " ".join(cell for cells, _ in self.rows for cell in cells if cell)
        return Block("text", text, min(len(text), sum(links for _, links in self.rows)))

    def _fill(self) -> None:
        while (at := len(self.cells)) in self.below:
            left, text = self.below[at]
            self.cells.append(text)
            self.below[at] = (left - 1, text)
            if left == 1:
                del self.below[at]


def _values(cells: list[str], used: list[int]) -> list[str]:
    """The cells of a row in the columns that are used, less those at its end that are empty."""
    last = max(at for at, cell in enumerate(cells) if cell)
    return [cells[at] for at in used if at <= last]


def _span(value: str | None) -> int:
    return min(MAX_SPAN, max(1, int(value))) if value and value.isascii() and value.isdigit() and len(value) < 6 else 1
