"""Two or more evaluated models side by side."""

import re
from pathlib import Path

import pytest
import sweep_folders as folders
from test_report import HOSTILE, text

from humpback_exp.analysis.pages.compare import build
from humpback_exp.config import JudgeConfig, ReportConfig

LOSSES = [2.0 + row / 10 for row in range(12)]
BETTER = [loss - 0.3 - (0.6 if row == 7 else 0.0) for row, loss in enumerate(LOSSES)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("compare")
    asked, text = HOSTILE["instruction"], HOSTILE["output"]
    folders.point(root, "tags", "m0", LOSSES, outcomes=["loss"] * 4 + ["tie"] * 8, asked=asked, text=text)
    won = ["win"] * 4 + ["tie"] * 8
    folders.point(root, "tags", "m1", BETTER, outcomes=won, lr=1e-4, seed=1, asked=asked)
    folders.point(root, "tags", "other", LOSSES, seed=2, ids="other")
    return root


def test_figures_and_changes_are_paired_with_the_first(root: Path) -> None:
    seen = text(build(str(root), ["m0", "m1"]))
    # Changes of -0.3, one of -0.9: mean -0.35, error 0.05, times t(11) = 2.201 is 0.110.
    assert (
        "By held-out loss, M1 is better than M0: −0.350 nats a token (95 % interval −0.460 to −0.240), "
        "beyond the noise of the held-out pairs alone (one seed)." in seen
    )
    assert "By win rate, M1 is better than M0: +33.3 points" in seen
    assert "paired t test over 12 held-out pairs, one seed each" in seen and "the luck of training is not in" in seen
    assert seen.index("M0 33.3") < seen.index("M1 66.7")


def test_settings_that_differ_are_named_with_both_values(root: Path) -> None:
    seen = text(build(str(root), ["m0", "m1"])).partition("Settings that differ")[2]
    assert "model optim.lr 1e-05 0.0001" in seen and "model seed 0 1" in seen
    assert re.search(r"evaluation model_path models/m0 \([0-9a-f]{8}\) models/m1 \([0-9a-f]{8}\)", seen)
    assert "optim.clip" not in seen


def test_rows_they_disagree_on_most_come_first(root: Path) -> None:
    seen = text(build(str(root), ["m0", "m1"]))
    losses, _, verdicts = seen.partition("Held-out losses that differ most")[2].partition("Verdicts that differ most")
    assert losses.lstrip().startswith("Question 7?") and losses.count("Question") == 8
    assert re.findall(r"Question (\d+)", verdicts) == ["0", "1", "2", "3"]
    assert "M0 loss 2.00, loss (20%) m0" in verdicts and "M1 loss 1.70, win (85%) m1" in verdicts


def test_a_model_is_found_by_name_folder_or_its_own_folder(root: Path) -> None:
    page = build(str(root), ["m0", "m1"])
    assert build(str(root), [f"{root}/evals/m0", "models/m1"]) == page
    assert build(str(root), ["evals/m0", f"{root}/models/m1"]) == page


def test_hostile_answers_stay_texts(root: Path) -> None:
    page = build(str(root), ["m0", "m1"])
    assert "&lt;script&gt;" in page and "{{ 7*7 }}" in page
    assert not set(re.findall(r"<\s*([a-zA-Z]+)", page)) & {"script", "img", "svg", "iframe", "object", "link", "form"}
    assert not {"\x00", "\x1b", "\u202e"} & set(page)


def test_three_are_compared_with_the_first(tmp_path: Path) -> None:
    for number in range(3):
        folders.point(tmp_path, "tags", f"m{number}", [loss - number / 10 for loss in LOSSES], seed=number)
    seen = text(build(str(tmp_path), ["m0", "m1", "m2"]))
    assert "−0.100 nats a token, without an interval" in seen and "M2 and M0 cannot be told apart" in seen
    assert re.search(r"M0 loss 2\.(\d)0 m0 M1 loss .* m1 M2 loss .* m2 human Human \1", seen)


def test_models_of_two_loops_with_one_name_are_told_apart(tmp_path: Path) -> None:
    for number in (0, 1):
        folders.point(tmp_path / f"s{number}", "tags", "m0", LOSSES if number else BETTER, seed=number)
    seen = text(build(str(tmp_path), ["s0/evals/m0", "s1/evals/m0"]))
    assert "By held-out loss, s1/evals/m0 is worse than s0/evals/m0: +0.350 nats a token" in seen


def test_prompts_without_answers_show_losses_alone(tmp_path: Path) -> None:
    for name, losses in (("m0", LOSSES), ("m1", BETTER)):
        folders.point(tmp_path, "tags", name, losses, seed=len(name), lr=1e-5 if name == "m0" else 1e-4, answers=False)
    seen = text(build(str(tmp_path), ["m0", "m1"]))
    assert "Question 7? Loss: M0 2.70, M1 1.80 human Human 7" in seen
    assert "(nothing)" not in seen and "These prompts were not answered by every model" in seen


@pytest.mark.parametrize("changed", [{"path": "org/other"}, {"prompt": "worse.txt"}, {"order": "random"}])
def test_other_judges_are_not_compared_by_win_rate(tmp_path: Path, changed: dict[str, str]) -> None:
    (tmp_path / "worse.txt").write_text("Which is worse?")
    changed = {key: str(tmp_path / value) if key == "prompt" else value for key, value in changed.items()}
    folders.point(tmp_path, "tags", "m0", LOSSES, outcomes=["loss"] * 12)
    judge = JudgeConfig(**{"path": "org/judge"} | changed)
    folders.point(tmp_path, "tags", "m1", BETTER, outcomes=["win"] * 12, judge=judge, seed=1)
    seen = text(build(str(tmp_path), ["m0", "m1"]))
    assert "By win rate" not in seen and "by other judges, so they are not compared" in seen


def test_a_folder_only_one_has_is_one_line(tmp_path: Path) -> None:
    folders.point(tmp_path, "tags", "m0", LOSSES)
    folders.point(tmp_path, "tags", "m1", BETTER, data=folders.curated(tmp_path, None, 4.5))
    seen = text(build(str(tmp_path), ["m0", "m1"]))
    assert "scored folder none scored/m0" in seen and "scored scorer" not in seen


def test_too_few_verdicts_do_not_lead(tmp_path: Path) -> None:
    for name, losses in (("m0", LOSSES), ("m1", [loss - 0.001 * (1 + row) for row, loss in enumerate(LOSSES)])):
        folders.point(tmp_path, "tags", name, losses, outcomes=["win"] * 4, lr=1e-4 if name == "m1" else 1e-5)
    seen = text(build(str(tmp_path), ["m0", "m1"]))
    assert (
        "M0, M1 By held-out loss, M1 is better than M0: −0.0065 nats a token (95 % interval −0.0088 to −0.0042)" in seen
    )
    assert (
        "one seed each, p < 0.001. Win rate: paired t test over 4 held-out pairs, one seed each (fewer than 10 pairs carry "
        "no claim)" in seen
    )


def test_mistakes_are_one_line(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^runs=m9: no finished evaluation of that name below .*; there are: m0, m1, other$"
    ):
        build(str(root), ["m0", "m9"])
    with pytest.raises(
        ValueError, match=r"^evals/other: evaluated on other pairs than evals/m0; .* the same heldout=$"
    ):
        build(str(root), ["m0", "other"])
    folders.point(root, "tags", "prompted", LOSSES, seed=3, asked="Be brief.")  # other texts under the same ids
    with pytest.raises(ValueError, match=r"^evals/prompted: evaluated on other pairs than evals/m0"):
        build(str(root), ["m0", "prompted"])
    with pytest.raises(ValueError, match=r"^runs=m0,models/m0: evals/m0 is named twice"):
        build(str(root), ["m0", "models/m0"])
    with pytest.raises(ValueError, match=r"^runs=m0: a comparison needs two or more, as in runs=m0,m1$"):
        ReportConfig(runs=["m0"])
    with pytest.raises(ValueError, match=r"^runs=a,b: excludes sweep=tags$"):
        ReportConfig(runs=["a", "b"], sweep="tags")
