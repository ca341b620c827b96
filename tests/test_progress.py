"""What a bulk stage says while it runs: log lines, and the same figures to W&B, whoever does the chunks."""

import re
import time
from pathlib import Path

import pytest

from humpback_exp import artifacts, progress
from humpback_exp.analysis.pages.terminal import pair
from humpback_exp.artifacts import CHECKPOINTS
from humpback_exp.bulk import executors
from humpback_exp.bulk.chunks import Chunks
from humpback_exp.bulk.meter import Meter, Throughput
from humpback_exp.errors import format_error
from humpback_exp.progress import part
from humpback_exp.records import Example
from tests.bulk.folders import augmentation, command, made_segments
from tests.bulk.test_chunks import done
from tests.tracking.offline import recorded


class Listening:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def log(self, metrics, step=None) -> None:
        assert metrics.keys() == {"rows_per_second", "tokens_per_second", "kept_share", "seconds_left"}
        self.told.append(step)


HOSTILE = "\x1b]0;owned\x07\x1b[31mred\u202e \x9b2J"


def test_nothing_printed_moves_the_cursor_or_changes_colours() -> None:
    harmless = "]0;owned[31mred 2J"
    example = Example(id="a", source="web", instruction=f"Ask {HOSTILE}", output=f"Tell {HOSTILE}", score=5.0)
    assert pair(example) == f"\n[5.00] Ask {harmless}\n    Tell {harmless}"
    assert progress.table([{f"a\n{HOSTILE}": HOSTILE, "n": 1.5}]).split("\n")[-1].startswith(harmless)
    assert format_error(ValueError(f"a\nb {HOSTILE}")) == f"a; b {harmless}"


def test_figures_add_up_and_give_speeds_a_worker() -> None:
    both = Throughput(10, 9, 400, 2.0) + Throughput(10, 7, 600, 3.0)
    assert both == Throughput(20, 16, 1000, 5.0)
    assert both.speeds() == {"rows_per_second": 4.0, "tokens_per_second": 200.0}
    assert Throughput().speeds() == {}


def test_what_an_earlier_session_did_is_done_but_not_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    meter = Meter(40, "augment web", Throughput(20, 10, 900, 9.0), lambda *_: None)
    clock[0] += 2.0
    meter.committed(Throughput(4, 4, 80, 2.0))
    meter.advance(2, 40)
    assert meter.at == 26
    assert meter.figures() == {
        "rows_per_second": 3.0,
        "tokens_per_second": 60.0,
        "kept_share": 14 / 24,
        "seconds_left": 14 / 3.0,
    }


def test_the_first_of_two_passes_moves_the_meter(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Both read all rows; before a chunk is committed nothing is known of what it keeps."""
    clock, heard = [0.0], list[dict[str, float]]()
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    caplog.set_level("INFO", "humpback_exp")
    meter = Meter(620, "score m0", Throughput(), lambda figures, rows: heard.append(dict(figures)))
    for _ in range(62):
        clock[0] += 1.0
        part(meter.advance, 1 / 2)(10, 500)
    assert meter.at == 310
    assert [record.message for record in caplog.records] == [
        "score m0: 155 of 620 rows, 5 rows/s, 500 tokens/s, 01:33 left",
        "score m0: 310 of 620 rows, 5 rows/s, 500 tokens/s, 01:02 left",
    ]
    assert [figures.keys() for figures in heard] == [{"rows_per_second", "tokens_per_second", "seconds_left"}] * 2


def test_thirds_of_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter(7, "score m0", Throughput(), lambda *_: None)
    for share in (1 / 3, 2 / 3):
        for _ in range(7):
            part(meter.advance, share)(1, 1)
    assert (meter.at, meter.tokens) == (7, 14)


def test_a_bar_moves_by_whole_rows_and_back_where_rows_are_done_again() -> None:
    with progress.bar(4, "gate m0") as shown:
        count = progress.counting(shown)
        seen = [(count(rows, 1), shown.n)[1] for rows in (*[1 / 3] * 6, 1, -2, 1.5)]
    assert str(seen) == "[0, 0, 1, 1, 1, 2, 3, 1, 2]"


def test_one_line_and_one_point_an_interval(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock, heard = [0.0], Listening()
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    caplog.set_level("INFO", "humpback_exp")
    meter = Meter(4000, "score m0", Throughput(), heard.log)
    for _ in range(100):
        clock[0] += 1.0
        meter.advance(10, 700)
        meter.committed(Throughput(10, 9, 700, 1.0))
    meter.close()
    assert [record.message for record in caplog.records] == [
        "score m0: 310 of 4000 rows, 10 rows/s, 700 tokens/s, 90 % kept, 06:09 left",
        "score m0: 620 of 4000 rows, 10 rows/s, 700 tokens/s, 90 % kept, 05:38 left",
        "score m0: 930 of 4000 rows, 10 rows/s, 700 tokens/s, 90 % kept, 05:07 left",
        "score m0: 1000 of 4000 rows, 10 rows/s, 700 tokens/s, 90 % kept, 05:00 left",
    ]
    assert heard.told == [310, 620, 930, 1000]


def test_the_parent_counts_what_its_workers_commit(tmp_path: Path) -> None:
    """Chunk 0 was there, 1 and 2 come; the speeds of the manifest are over all three."""
    chunks, heard = Chunks(tmp_path, 10, 4), Listening()
    (tmp_path / CHECKPOINTS).mkdir()
    for number in range(3):
        chunks.tell(number, Throughput(chunks.rows(number), 1, 10, 0.5))
        chunks.path(number).parent.mkdir(exist_ok=True)
        chunks.path(number).touch()
    meter = Meter(10, "augment web", chunks.figures(0), heard.log)
    executors.follow(chunks, {0}, lambda: False, meter)
    assert meter.done == Throughput(10, 3, 30, 1.5)
    assert meter.at == 10


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_wandb_and_the_manifest_hold_the_figures(tmp_path: Path, workers: int) -> None:
    made_segments(tmp_path, 40)
    config = augmentation(tmp_path, "web", workers=workers)
    config.tracking.mode = "offline"
    done(command(config))
    made = artifacts.load(config.folder).metrics
    assert made["tokens_per_second"] == pytest.approx(7 * made["rows_per_second"])
    (run,) = recorded(tmp_path)
    (last,) = [each for each in run.history if "kept_share" in each]
    assert (last["rows"], last["kept_share"], last["seconds_left"]) == (40, 1, 0)
    assert last["tokens_per_second"] == pytest.approx(7 * last["rows_per_second"])


def test_a_bar_without_a_terminal_is_told_in_the_log(monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    """Nothing for what is done before a line is due, nor where the work has lines of its own."""
    monkeypatch.setattr(progress, "INTERVAL", 0.02)
    caplog.set_level("INFO", "humpback_exp")
    for lines in (True, False):
        with progress.bar(4, "evaluate m1", lines=lines) as drawn:
            for _ in range(4):
                time.sleep(0.03)
                drawn.update(1)
    told = [re.sub(r"[\d.]+row/s, [\d:?]+ left", "RATE", record.message) for record in caplog.records]
    assert told == [f"evaluate m1: {row} of 4, RATE" for row in (1, 2, 3, 4)]
    monkeypatch.setattr(progress, "INTERVAL", 60.0)
    caplog.clear()
    with progress.bar(4, "evaluate m1") as drawn:
        drawn.update(4)
    assert caplog.records == []
