"""The page in a real browser: typed, tapped, cut off from its server, and fed with hostile text."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from humpback_exp.annotation.app import build
from humpback_exp.annotation.choices import COMPARE, COMPARISON, FIVE
from humpback_exp.annotation.items import Item, Study
from humpback_exp.annotation.serve import listening
from humpback_exp.annotation.session import Rules
from humpback_exp.annotation.store import Judgement, Store
from tests.browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium: apt-get install chromium (tests/install_browser.sh)"
)
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"></textarea><b>bold</b>"
    "\x00\x1b[31m\u202e' onclick='x {{7*7}} javascript:alert(1) " + "unbroken" * 60
)
LONG = "\n".join(f"Line {n} of a long answer that goes on." for n in range(80))
READY = "document.querySelector('#choices button') !== null"
PRESSED = "[...document.querySelectorAll('#choices button')].map(one => one.getAttribute('aria-pressed')).join()"


class Page:
    """A browser at the page of the first rater, and what the server has kept."""

    def __init__(self, browser: Browser, items: Study, folder: Path) -> None:
        self.browser, self.items = browser, items
        self.folder = folder
        self.start(0)

    def start(self, port: int) -> None:
        """Serve in a thread, which is the store's, too."""
        listener = listening("127.0.0.1", port)
        self.port = listener.getsockname()[1]
        self.tokens: dict[str, str] = {}

        def serve() -> None:
            store = Store(self.folder / "people.sqlite", "f", "")
            self.tokens = store.raters(2)
            app = build(self.items, Rules(0.85, None, True), store, self.tokens)
            self.server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
            asyncio.run(self.server.serve(sockets=[listener]))
            listener.close()
            store.close()

        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    def open(self, width: int = 1200, rater: str = "r1", dark: bool = False) -> None:
        while rater not in self.tokens:
            self.thread.join(0.01)
        self.browser.open(f"http://127.0.0.1:{self.port}/r/{self.tokens[rater]}", width, 844, dark)
        self.browser.until(READY)

    def kept(self) -> list[Judgement]:
        store = Store(self.folder / "people.sqlite", "f", "")
        found = store.all()
        store.close()
        return found

    def at(self) -> str:
        return str(self.browser.run("document.getElementById('where').textContent"))

    def said(self) -> str:
        return str(self.browser.run("document.getElementById('said').textContent"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


def comparisons(count: int = 3, texts: tuple[str, str] = ("ours", "theirs"), prompt: str = "Ask") -> Study:
    work = [Item(f"i{n}", f"p{n}", f"{prompt} {n}", texts, ("m1", "base")) for n in range(count)]
    return Study(0, COMPARISON, COMPARE, [], work)


@pytest.fixture
def page(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    made = Page(browser, getattr(request, "param", None) or comparisons(), tmp_path)
    yield made
    browser.offline(False)
    made.stop()


def test_keys_choose_and_while_a_reason_is_typed_they_are_letters(page: Page) -> None:
    page.open()
    browser = page.browser
    browser.press("Enter")
    assert page.said() == "Choose first."
    browser.press("b")
    assert browser.run(PRESSED) == "false,false,true"
    browser.press("Enter")
    assert page.said() == "Write in a sentence what decided it."
    browser.type("a banana, naturally")
    assert browser.run(PRESSED) == "false,false,true"
    browser.press("Escape")
    browser.press("n")
    assert browser.run(PRESSED) == "false,true,false"
    browser.press("Enter")
    browser.until("document.getElementById('where').textContent.startsWith('1 of 3')")
    first = page.kept()[0]
    assert (first.value, first.reason, first.revision) == (0, "a banana, naturally", 1)
    assert browser.run("document.getElementById('reason').value") == ""
    browser.press("z")
    browser.until("document.getElementById('reason').value === 'a banana, naturally'")
    browser.press("a")
    browser.type("!")
    browser.press("Enter")
    browser.until("document.getElementById('reason').value === ''")
    again = page.kept()
    assert [(one.value * (-1 if one.swapped else 1), one.reason, one.revision) for one in again] == [
        (1, "a banana, naturally!", 2)
    ]


@pytest.mark.parametrize("page", [comparisons(1, (HOSTILE, LONG), prompt=HOSTILE)], indirect=True)
def test_hostile_texts_are_texts(page: Page) -> None:
    page.browser.events.clear()
    page.open()
    browser = page.browser
    assert browser.run("document.title") == "Judge answers"
    assert browser.run("document.querySelectorAll('main script, main img, main b, body > img').length") == 0
    texts = browser.run("[...document.querySelectorAll('main .text')].map(one => one.textContent)")
    assert sorted(texts) == sorted([f"{HOSTILE} 0", HOSTILE, LONG])
    script = "const script = document.createElement('script'); script.textContent = 'document.title = 1'"
    with_script = f"(() => {{ {script}; document.body.append(script); }})()"
    browser.run(with_script)
    assert browser.run("document.title") == "Judge answers"
    for width in (390, 1200):
        page.open(width)
        assert browser.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("page", [comparisons(1, (LONG, LONG))], indirect=True)
@pytest.mark.parametrize("dark", [False, True])
def test_on_a_telephone_the_buttons_are_in_reach_and_nothing_scrolls_sideways(page: Page, dark: bool) -> None:
    page.open(390, dark=dark)
    browser = page.browser
    edges = "[...document.querySelectorAll('#bar button, #reason')].map(one => one.getBoundingClientRect())"
    for _ in range(2):  # at the top, and at the end of the answers
        assert browser.run(f"{edges}.every(one => one.top > 844 / 2 && one.bottom <= 844 && one.right <= 390)")
        assert browser.run(f"{edges}.every(one => one.height >= 44)")
        browser.run("scrollTo(0, document.body.scrollHeight)")
    ground = browser.run("getComputedStyle(document.documentElement).backgroundColor")
    assert ground == ("rgb(23, 22, 19)" if dark else "rgb(255, 254, 250)")
    browser.click("#choices button:nth-child(1)")
    assert browser.run("document.activeElement.id") != "reason"  # no keyboard over the texts before it is wanted
    browser.click("#reason")
    browser.type("shorter")
    browser.click("#send")
    browser.until("!document.getElementById('closing').hidden")
    assert [one.reason for one in page.kept()] == ["shorter"]


def test_a_lost_connection_loses_no_reason(page: Page) -> None:
    page.open(390)
    browser = page.browser
    browser.press("a")
    browser.type("typed on a train")
    browser.offline(True)
    browser.press("Enter")
    browser.until("document.getElementById('said').textContent.startsWith('No connection. Your judgement is kept')")
    assert browser.run("document.getElementById('reason').value") == "typed on a train"
    assert page.kept() == []
    browser.offline(False)
    browser.until("document.getElementById('where').textContent.startsWith('1 of 3')")
    assert [(one.reason, one.revision) for one in page.kept()] == [("typed on a train", 1)]
    assert page.said() == ""


def test_a_server_that_starts_again_goes_on_with_the_same_page(page: Page) -> None:
    page.open()
    browser = page.browser
    browser.press("b")
    browser.type("before the end")
    page.stop()
    browser.press("Enter")
    browser.until("document.getElementById('said').textContent.startsWith('No connection')")
    page.start(page.port)
    browser.until("document.getElementById('where').textContent.startsWith('1 of 3')")
    assert [one.reason for one in page.kept()] == ["before the end"]


def test_a_reason_half_typed_survives_a_reload_and_a_closed_page(page: Page) -> None:
    page.open()
    page.browser.press("n")
    page.browser.type("half a rea")
    page.browser.open("about:blank")
    page.open()
    assert page.browser.run("document.getElementById('reason').value") == "half a rea"
    assert page.browser.run(PRESSED) == "false,true,false"


def test_of_two_windows_on_one_item_the_second_is_told(page: Page) -> None:
    page.open()
    browser = page.browser
    body = "JSON.stringify({value: 1, reason: 'from elsewhere', seconds: 1, revision: 0})"
    browser.run(f"fetch(link + '/item/' + at.item.id, {{method: 'POST', body: {body}}}).then(one => one.status)")
    browser.press("n")
    browser.type("from here")
    browser.press("Enter")
    browser.until("document.getElementById('said').textContent !== ''")
    assert page.said() == "This item was judged in another window, and that judgement stays."
    assert page.at() == "1 of 3 judged"
    assert [one.reason for one in page.kept()] == ["from elsewhere"]


LABELS = Study(
    0, FIVE, ["1: Bad.", "5: Perfect."],
    [Item("t", "1", "Known", ("an answer",), known=4)], [Item("w", "c1", "Ask", ("a text",))],
)  # fmt: skip


@pytest.mark.parametrize("page", [LABELS], indirect=True)
def test_pairs_are_labelled_after_the_test(page: Page) -> None:
    page.open()
    browser = page.browser
    assert page.at() == "Test: 0 of 1 judged"
    for key, where in (("4", "0 of 1 judged"), ("2", "")):
        browser.press(key)
        browser.type("12345 words")
        browser.press("Enter")
        browser.until(f"document.getElementById('where').textContent === '{where}'")
        assert page.said() == ("The test is passed. Here begins the work." if where else "")
    assert [(one.item, one.value) for one in page.kept()] == [("t", 4), ("w", 2)]
    assert browser.run("document.getElementById('closing').textContent").startswith("Thank you. Everything is judged")
