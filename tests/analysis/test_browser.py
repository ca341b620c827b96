"""The report page in a real browser: what becomes of hostile texts there, and whether it fits a telephone."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import loop_folders as folders
import pytest
import sweep_folders
from test_report import HOSTILE

from humpback_exp.analysis.pages import compare, sweep
from humpback_exp.analysis.pages.loop import build

CHROMIUM = shutil.which("chromium")
SECTIONS = {"results", "funnel", "scores", "losses", "samples", "lineage"}
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium: apt-get install chromium (tests/install_browser.sh)"
)


class Elements(HTMLParser):
    """Tags, attributes and ids of a document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def values(self, name: str) -> set[str]:
        return {value for key, value in self.attributes if key == name}


def browse(page: Path, *options: str) -> str:
    """Open a page from disk in a browser with nothing but a fresh profile; its output."""
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
               f"--user-data-dir={page.parent / 'profile'}", "--window-size=1200,900", *options, page.as_uri()]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout


def loop(root: Path) -> str:
    folders.whole_loop(root, HOSTILE)
    return build(str(root))


def of_sweep(root: Path) -> str:
    evil = "".join(HOSTILE.values()).replace("/", "").replace("\x00", "")
    for seed, base in enumerate((f"{evil[:100]}", f"{evil[100:200]}$\\frac{{")):
        sweep_folders.point(root, "model_scale", f"m{seed}", [2.0 + seed] * 12, base=f"org/{base}", seed=seed)
    return sweep.build(str(root), "model_scale", "model_scale_files")[0]


def of_two(root: Path) -> str:
    for seed in (0, 1):
        asked, text = HOSTILE["instruction"], HOSTILE["output"]
        sweep_folders.point(root, "tags", f"m{seed}", [2.0 + seed] * 12, seed=seed, asked=asked, text=text)
    return compare.build(str(root), ["m0", "m1"])


PAGES = {
    "loop": (loop, SECTIONS, "Instruction backtranslation: what came out"),
    "sweep": (of_sweep, {"figures", "numbers", "paper", "runs"}, "What a larger base model brings"),
    "compare": (of_two, {"figures", "settings", "losses"}, "M0, M1"),
}


@pytest.fixture(scope="module", params=PAGES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def page(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(PAGES[kind][0](tmp_path_factory.mktemp("hostile")), encoding="utf-8")
    return path


def test_hostile_texts_make_no_elements_and_run_nothing(page: Path, kind: str) -> None:
    html = browse(page, "--dump-dom")
    found = Elements(html)
    _, sections, title = PAGES[kind]
    assert found.values("id") >= sections
    assert not found.tags & {"script", "img", "iframe", "object", "embed", "link", "form", "audio", "video"}
    assert f"<title>{title}</title>" in html
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "srcset")]
    assert all(re.match(r"#|https://example\.org/|model_scale_files/", address) for address in found.values("href"))
    assert "&lt;script&gt;" in html and "owned" not in title


@pytest.mark.parametrize("scheme", ["0", "1"])
def test_it_is_drawn_in_light_and_dark(page: Path, scheme: str) -> None:
    shot = page.with_name(f"shot{scheme}.png")
    browse(page, f"--screenshot={shot}", f"--blink-settings=preferredColorScheme={scheme}")
    import matplotlib.image

    pixels = matplotlib.image.imread(shot)[:, :, :3]
    assert pixels.shape[:2] == (900, 1200)
    assert (pixels[5, 5].mean() > 0.9) == (scheme == "1")
    assert pixels.std() > 0.05


@pytest.mark.parametrize("width", [400, 1200])
def test_nothing_reaches_beyond_the_screen(page: Path, width: int) -> None:
    """Measured from inside a frame of that width, in a copy of the page without the policy that forbids scripts.

    No table needs to be scrolled either, so none is cut off at its right.
    """
    html = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    hidden = "[...document.querySelectorAll('.scroll')].map(one => one.scrollWidth - one.clientWidth)"
    told = f"document.documentElement.scrollWidth + ' and ' + Math.max(0, ...{hidden})"
    tell = f"<script>parent.postMessage({told}, '*')</script></body>"
    page.with_name("copy.html").write_text(html.replace("</body>", tell), encoding="utf-8")
    frame = page.with_name("frame.html")
    frame.write_text(
        "<script>onmessage = event => document.title = 'needs ' + event.data</script>"
        f"<iframe src='copy.html' style='width: {width}px; height: 900px; border: 0'></iframe>"
    )
    found = re.search(
        r"<title>needs (\d+) and (\d+)</title>", browse(frame, "--dump-dom", "--virtual-time-budget=3000")
    )
    assert found is not None and (int(found.group(1)), int(found.group(2))) == (width, 0)
