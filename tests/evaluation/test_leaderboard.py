"""Our win rates beside the paper's: in one group only where judge, prompts and opponent are the same."""

import csv
from dataclasses import replace
from pathlib import Path

from humpback_exp.artifacts import Manifest
from humpback_exp.evaluation.leaderboard import PAPER, as_table, leaderboard, published, row_of
from humpback_exp.workflow.win_rates import leaderboard as printed
from tests.conftest import ROOT

FIGURES = {"preference": 0.625, "preference_error": 0.02, "prompts": 800, "position_share": 0.5, "longer_share": 0.7}


def manifest(name: str = "m2", reference: str = "text_davinci_003/model_outputs.json", **inputs: str) -> Manifest:
    read = {
        "heldout": "x/model_outputs.json",
        "reference": reference,
        "judge.path": "gpt-4",
        "model_path": name,
    } | inputs
    return Manifest(
        kind="evals",
        name=name,
        fingerprint="f",
        config={
            "judge.verdict": "ranking",
            "judge.order": "random",
            "heldout_dataset.count": 805,
            "judge.prompts": 805,
        },
        inputs={key: {"path": path, "fingerprint": f"mark of {path}"} for key, path in read.items()},
        rows={"pairs": 805},
        drops={"not judged: unscored": 5},
        metrics=FIGURES | {"calibration_agreement": 0.66, "overlap": 4, "overlap_seed": 3, "overlap_web": 2},
    )


def test_the_published_rows() -> None:
    rows = {row.model: row for row in published()}
    assert len(rows) == 17
    assert (rows["Humpback 65B"].win_rate, rows["Humpback 65B"].error) == (83.71, 1.31)
    assert (rows["LIMA 65B"].win_rate, rows["LIMA 65B"].error) == (62.70, None)
    assert {row.group for row in rows.values()} == {(*PAPER, "")}


def test_a_row_says_how_far_to_trust_it() -> None:
    row = row_of(manifest())
    assert row is not None
    assert (row.win_rate, row.error, row.judged, row.unscored) == (62.5, 2.0, 800, 5)
    assert (row.agreement, row.first_preferred, row.longer_preferred, row.seen_in_training) == (66.0, 50.0, 70.0, 4)
    assert row_of(replace(manifest(), metrics={"heldout_loss": 1.0})) is None


def test_only_the_papers_own_way_of_judging_joins_the_papers_group() -> None:
    same = row_of(manifest(**{"judge.prompt": "mine/alpaca_eval.txt"}))
    assert same is not None and same.group == (*PAPER, "")
    fewer = manifest(**{"judge.prompt": "alpaca_eval.txt"})
    fewer.config["judge.prompts"] = 8
    others = [
        manifest(),
        fewer,
        manifest(reference="outputs/evals/base", **{"judge.prompt": "alpaca_eval.txt"}),
        manifest(**{"judge.prompt": "alpaca_eval.txt", "judge.path": "gpt-4o"}),
    ]
    rows = leaderboard([*others, manifest("m3", **{"judge.prompt": "alpaca_eval.txt"})])
    assert [row.model for row in rows if row.group == (*PAPER, "")][-3] == "m3"
    assert len({row.group for row in rows}) == 5
    assert rows[-1].group == (*PAPER, "") != rows[0].group


def test_stored_answers_and_a_trial_of_the_judge_change_no_group() -> None:
    alike = [manifest(), manifest("other", stored_answers="x.json"), manifest(**{"judge.calibration": "c.json"})]
    assert len({row.group for row in map(row_of, alike) if row}) == 1
    fewer = manifest()
    fewer.config["judge.prompts"] = 8
    assert row_of(fewer).group != row_of(manifest()).group


def test_references_of_one_name_are_not_one_opponent() -> None:
    groups = {
        row.group
        for row in map(row_of, [manifest(reference="a/evals/base"), manifest(reference="b/evals/base")])
        if row
    }
    assert len(groups) == 2 and {group[2] for group in groups} == {"base"}


def test_the_command_prints_and_writes_all_rows(tmp_path: Path, capsys) -> None:
    printed(str(ROOT / "tests/fixtures/loop"), tmp_path / "new/board.csv")
    said = capsys.readouterr().out
    assert "judge tiny (choice, both); prompts heldout; against base (set " in said
    assert "judge gpt-4 (ranking, random, alpaca_eval.txt); prompts AlpacaEval; against text_davinci_003\n" in said
    with (tmp_path / "new/board.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows[:3]] == ["m2", "m0", "m1"] and len(rows) == 3 + 17
    assert list(rows[0]) == list(as_table(published()[:1])[0])
