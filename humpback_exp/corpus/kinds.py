"""What a file of a corpus is, by its name and, where that says nothing, by its first bytes. Called by pages and draw."""

from types import ModuleType

from humpback_exp.corpus import archives, markdown, rows
from humpback_exp.corpus.files import File
from humpback_exp.corpus.http import looks_like_html

HTML = (".html", ".htm", ".xhtml", ".xht", ".shtml", ".shtm", ".html.gz", ".htm.gz", ".xhtml.gz", ".html.zst")
ARCHIVES = (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz")
TABLES = (rows.PARQUET, rows.ARROW, *rows.JSON_LINES)
OTHER = tuple(
    ".css .js .json .xml .txt .png .jpg .jpeg .gif .svg .ico .webp .pdf .zip .wacz .woff .woff2 .ttf .eot .mp3 .mp4 .map "
    ".warc.offset .cdx .cdxj .gz .zst .bz2 .xz .tar .inv .md5 .sha1".split()
)
"""Names of files that are no pages; what has none of these and looks like HTML inside is one."""
SNIFFED = 1024


def kind_of(file: File) -> str:
    """The end of a name, by which files that are not read are counted."""
    name = file.kind.rpartition("/")[2]
    return "." + ".".join(name.split(".")[1:][-2:]) if "." in name.lstrip(".") else name


def holds_many(file: File) -> bool:
    """Whether a file of this name holds more than one page."""
    return file.kind.endswith((*ARCHIVES, *TABLES))


def reader_of(file: File) -> ModuleType:
    """What reads a file with many pages: a module with `ranges` and `read`."""
    return rows if file.kind.endswith(TABLES) else archives


def is_page(file: File) -> bool:
    """Whether a file is a page of its own: by its name or, where that says nothing, by how it begins."""
    if file.kind.endswith((*HTML, *markdown.NAMES)):
        return True
    if file.kind.endswith(OTHER):
        return False
    try:
        with file.open() as opened:
            return looks_like_html(opened.read(SNIFFED))
    except OSError:
        return False
