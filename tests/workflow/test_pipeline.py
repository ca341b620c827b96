"""What a loop says of its folders before it starts: which are finished, and which another config made."""

import shutil
from pathlib import Path

from humpback_exp.config import StageConfig
from humpback_exp.planning.input_check import check_folders
from humpback_exp.workflow.pipeline import plan_row
from tests.conftest import one_line_error, run
from tests.test_older_folders import loop, older  # noqa: F401


def states(stages: list[StageConfig]) -> dict[str, object]:
    sound: set[Path] = set()
    check_folders(stages, sound, moved_by="output_root")
    return {f"{stage.kind}/{stage.name}": plan_row(stage, sound)["state"] for stage in stages}


def test_a_finished_loop_is_finished(older: Path) -> None:  # noqa: F811
    assert set(states(loop(older)).values()) == {"finished"}


def test_other_pages_are_refused_at_once_and_the_option_that_helps_is_named(older: Path, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/a.html").write_text("<h1>a</h1>")
    words = ["experiment=smoke", f"corpus.path={tmp_path}/pages"]
    result = run("pipeline.py", *words, f"output_root={older}")
    line = one_line_error(result)
    assert line.startswith(f"{older}/segments/web: made by another config (corpus.path=examples/pages (")
    assert line.endswith("; choose another output_root= or delete it")
    assert result.stdout == ""
    assert states(loop(tmp_path / "elsewhere", *words[1:]))["segments/web"] == "to do"


def test_what_was_made_from_a_folder_that_is_gone_counts_if_that_comes_out_the_same(older: Path) -> None:  # noqa: F811
    shutil.rmtree(older / "segments")
    found = states(loop(older))
    assert (found["segments/web"], found["models/m0"]) == ("to do", "finished")
    assert found["candidates/web"] == "finished, if its inputs come out the same"
