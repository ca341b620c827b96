"""Text of the web, of models and of others' files as a terminal may be given it."""


def printable(text: str) -> str:
    """The text without characters that move the cursor, change colours or reorder what is read; line breaks stay."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\n" else " " * each.isspace() for each in text)
