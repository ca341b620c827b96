"""Writes the list of files in docs/architecture.md from the files' own first lines: `python docs/architecture/list_files.py`."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/architecture.md"
MARK = "<!-- Written by docs/architecture/list_files.py from the files' own first lines. -->\n"


def main() -> None:
    head, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text(head + MARK + listed(), encoding="utf-8")


def listed() -> str:
    """A table a folder, a row a file, in the order of the folders' names."""
    package = ROOT / "humpback_exp"
    folders = [package, *sorted(path for path in package.rglob("*") if (path / "__init__.py").exists())]
    return "".join(table(folder) for folder in folders)


def table(folder: Path) -> str:
    rows = list(rows_of(folder))
    lines = [f"| `{name}` | {gloss} |\n" for name, gloss in rows]
    title = f"\n### {folder.relative_to(ROOT)}/\n\n{gloss_of(folder / '__init__.py')}\n"
    return title + ("\n| file | what it holds |\n|---|---|\n" + "".join(lines) if rows else "")


def rows_of(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield path.name, gloss_of(path)


def gloss_of(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
