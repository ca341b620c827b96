"""A sweep's page: which runs belong to it, where they stand, the finding, the paper's numbers beside ours, the files."""

import csv
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sweep_folders as folders
from test_report import HOSTILE, text

from humpback_exp.analysis.ablation_plans import plan_of_ablation
from humpback_exp.analysis.ablations import ABLATIONS
from humpback_exp.analysis.evaluations import by_group, evaluations
from humpback_exp.analysis.folders import read_catalog
from humpback_exp.analysis.pages.sweep import build
from humpback_exp.analysis.paper import published
from humpback_exp.analysis.settings import Setting, settings
from humpback_exp.config import DataConfig, ReportConfig
from humpback_exp.workflow import report

ROOT = Path(__file__).parents[2]
RAMP = [1.0 + row / 10 for row in range(12)]


def shifted(change: float, wobble: float = 0.1) -> list[float]:
    """The ramp moved by `change`, alternating by `wobble`: a paired error of wobble * sqrt(12 / 11) / sqrt(12)."""
    return [loss + change + (wobble if row % 2 else -wobble) for row, loss in enumerate(RAMP)]


def told(root: Path, group: str) -> list[Setting]:
    return settings(ABLATIONS[group], by_group(evaluations(read_catalog(str(root), loops=True)))[group])


def lines(files: dict[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def test_the_finding_is_the_strictest_curation_against_none_with_its_test(tmp_path: Path) -> None:
    folders.point(tmp_path, "curation_threshold", "none", RAMP, data=folders.curated(tmp_path, 3200, None))
    folders.point(tmp_path, "curation_threshold", "a4", shifted(-0.3), data=folders.curated(tmp_path, 3200, 4))
    folders.point(tmp_path, "curation_threshold", "a5", shifted(-0.5), data=folders.curated(tmp_path, 3200, 4.5))
    seen = text(build(str(tmp_path), "curation_threshold", "files")[0])
    # -0.5 with deviations of 0.1: error 0.1 * sqrt(12 / 11) / sqrt(12) = 0.03015, times t(11) = 2.201 is 0.066.
    assert (
        "By held-out loss, A5 is better than no curation at 3,200 web pairs: −0.500 nats a token "
        "(95 % interval −0.566 to −0.434), beyond the noise of the held-out pairs alone (one seed)." in seen
    )
    assert "Held-out loss: paired t test over 12 held-out pairs, one seed each, p < 0.001." in seen
    assert "In the paper: 61.4 % at 3,200 against 51.5 % at 3,200, +9.9 points, 2.3 standard errors" in seen
    assert "A5 at 3,200 web pairs 1 61.4 ± 3.0 1.050 0.802 to 1.298 −0.500 −0.566 to −0.434" in seen
    assert "Each model was trained once, so the luck of training is not in the intervals." in seen


def test_what_lies_within_noise_is_called_so(tmp_path: Path) -> None:
    for tagged, name, losses in ((False, "without", RAMP), (True, "with", shifted(0.01))):
        for seed in (0, 1):
            moved = [loss + 0.02 * seed for loss in losses]
            folders.point(
                tmp_path, "tags", f"{name}-s{seed}", moved, seed=seed,
                data=DataConfig(tagged=tagged), tags=["seed", "web"] if tagged else [],
                outcomes=["win"] * 6 + ["loss"] * (6 - seed),
            )  # fmt: skip
    seen = text(build(str(tmp_path), "tags", "files")[0])
    assert (
        "By win rate, tagged, asked with S_a + S_w and untagged, asked with none cannot be told apart: each of 11 "
        "held-out pairs has the same figure under both." in seen
    )
    assert re.search(
        r"cannot be told apart: \+0\.010 nats a token \(95 % interval −0\.\d+ to \+0\.\d+\), within noise", seen
    )
    assert "paired t test over 12 held-out pairs and 2 seeds" in seen
    assert "66.47 ± 3.04" in seen and "trained once" not in seen and "one seed" not in seen


def test_other_held_out_pairs_are_pooled_and_it_is_said(tmp_path: Path) -> None:
    folders.point(tmp_path, "model_scale", "small", RAMP, base="org/llama-7b")
    folders.point(tmp_path, "model_scale", "large", shifted(2), base="org/llama-65b", ids="other")
    seen = text(build(str(tmp_path), "model_scale", "files")[0])
    assert "Exploratory: by held-out loss, seed alone at 65 billion parameters is worse than at 7: +2.000" in seen
    assert "pooled t test, as the held-out pairs differ, over 12 held-out pairs" in seen


def test_seeds_evaluated_on_different_pairs_are_refused(tmp_path: Path) -> None:
    folders.point(tmp_path, "tags", "a", RAMP, seed=0)
    folders.point(tmp_path, "tags", "b", RAMP, seed=1, ids="other")
    with pytest.raises(ValueError, match=r"evals/a, evals/b: evaluated on different pairs; .* same heldout="):
        build(str(tmp_path), "tags", "files")


def test_a_sweep_is_its_group_and_an_evaluation_without_one_belongs_to_its_models(tmp_path: Path) -> None:
    folders.point(tmp_path, "tags", "mine", RAMP)
    folders.point(tmp_path, "tags", "by-hand", shifted(0.1), seed=1, evaluated_in=None)
    folders.point(tmp_path, "joint", "other", shifted(0.2), seed=2)
    folders.point(tmp_path, None, "nobody", shifted(0.3), seed=3)
    found = by_group(evaluations(read_catalog(str(tmp_path))))
    names = {group: sorted(point.folder.name for point in members) for group, members in found.items()}
    assert names == {"tags": ["by-hand", "mine"], "joint": ["other"]}


def test_sizes_and_curations_span_the_papers_figure(tmp_path: Path) -> None:
    folders.thresholds(tmp_path, "data_size", (100, 200, 400, 800), seeds=2)
    found = told(tmp_path, "data_size")
    assert [(s.place.series, s.place.x, len(s.runs)) for s in found] == [
        (series, size, 2) for series in ("no curation", "A4", "A5") for size in (100, 200, 400, 800)
    ]
    ((ours, theirs),) = plan_of_ablation(ABLATIONS["data_size"], found).stated
    assert (ours.label, theirs.label) == ("A5 at 800 web pairs", "A5 at 100 web pairs")
    page, files = build(str(tmp_path), "data_size", "files")
    assert re.search(r"ours: A5, win rate 8 \+\d", text(page)) and "the paper: Humpback 5 +5.70 2.42 to 8.99" in text(
        page
    )
    assert set(files) == {"numbers.csv", "runs.csv"} | {
        f"{name}.{form}"
        for name in ("win_rate", "paper", "heldout_loss", "heldout_loss_change")
        for form in ("svg", "pdf")
    }
    assert len(lines(files, "runs.csv")) == 24 and len(lines(files, "numbers.csv")) == 12 + 12


def test_rounds_and_selectors_are_told_from_lineage_not_from_names(tmp_path: Path) -> None:
    folders.point(tmp_path, "iterations", "first", RAMP)
    before = "first"
    for name in ("second", "third"):
        data = DataConfig(scored=folders.scored(tmp_path, before, f"{tmp_path}/models/{before}"), min_score=4.5)
        folders.point(tmp_path, "iterations", name, shifted(-0.1), data=data)
        before = name
    for name in ("first", "second"):
        data = DataConfig(scored=f"{tmp_path}/scored/{name}", size=100)
        folders.point(tmp_path, "selector", f"by-{name}", RAMP, data=data)
    assert [s.label for s in told(tmp_path, "iterations")] == ["M0", "M1", "M2"]
    assert [s.label for s in told(tmp_path, "selector")] == ["M0", "M1"]
    assert "In the paper: 37.7 % against 35.71 %, +2.0 points, 0.5 standard errors" in text(
        build(str(tmp_path), "selector", "files")[0]
    )


def test_loops_in_folders_of_their_own_are_one_sweep(tmp_path: Path) -> None:
    for seed in (0, 1):
        folders.point(tmp_path / f"s{seed}", "iterations", "m0", [loss + seed for loss in RAMP], seed=seed)
    (setting,) = told(tmp_path, "iterations")
    assert [(point.folder.label, point.seed) for point in setting.runs] == [
        ("s0/evals/m0", 0),
        ("s1/evals/m0", 1),
    ]


def test_mixtures_are_told_from_what_was_trained_on(tmp_path: Path) -> None:
    scored = folders.scored(tmp_path)
    mixtures = {
        "seed alone": DataConfig(),
        "no curation alone": DataConfig(seed_path=None, scored=scored, size=50),
        "best 30% alone": DataConfig(seed_path=None, scored=scored, size=50, top_fraction=0.3),
        "seed + A5": DataConfig(scored=scored, size=50, min_score=4.5),
    }
    for number, data in enumerate(mixtures.values()):
        folders.point(tmp_path, "joint", f"run{number}", shifted(number / 100), data=data)
    found = told(tmp_path, "joint")
    assert [s.place.series for s in found] == list(mixtures)
    assert [s.place.x for s in found] == [8, 50, 50, 58]


def test_the_best_of_several_rates_is_compared_with_the_papers_under_bonferroni(tmp_path: Path) -> None:
    for lr, change in ((1e-6, 0.3), (1e-5, 0.0), (1e-4, -0.2), (1e-3, 0.1)):
        folders.point(tmp_path, "learning_rate", f"lr{lr}", shifted(change) if change else RAMP, lr=lr)
    page, files = build(str(tmp_path), "learning_rate", "files")
    assert "learning rate 0.0001 is better than learning rate 1e-05: −0.200" in text(page)
    assert "corrected for 3 comparisons (Bonferroni)" in text(page)
    assert "paper.svg" not in files and 'id="paper"' not in page


@pytest.mark.parametrize(
    ("base", "place"),
    [("llama-7b", ("seed alone", 7)), ("Llama-2-70b-hf", ("seed alone", 70)), ("smollm2-135m", ("seed alone", 0.135)),
     ("tiny", ("seed alone, tiny", None)), ("m2b2bert", ("seed alone, m2b2bert", None))],
)  # fmt: skip
def test_sizes_of_base_models_are_read_from_their_names(
    tmp_path: Path, base: str, place: tuple[str, float | None]
) -> None:
    folders.point(tmp_path, "model_scale", "m", RAMP, base=f"org/{base}")
    (setting,) = told(tmp_path, "model_scale")
    assert (setting.place.series, setting.place.x) == place


def test_scorers_start_from_the_papers(tmp_path: Path) -> None:
    for name, scorer in (("m0-l", "likelihood"), ("m0-g", "generated"), ("people", "given"), ("probe", "given")):
        data = DataConfig(scored=folders.scored(tmp_path, name, scorer=scorer), top_fraction=0.3)
        folders.point(tmp_path, "rubric_and_scorer", f"by-{name}", RAMP, data=data)
    ways = ["generated, five_point", "given, people", "given, probe", "likelihood, forward"]
    assert [s.label for s in told(tmp_path, "rubric_and_scorer")] == ways


def test_the_best_way_to_rate_is_compared_with_the_papers_under_bonferroni(tmp_path: Path) -> None:
    for scorer, change in (("likelihood", 0.3), ("expected", -0.2), ("generated", 0.0)):
        data = DataConfig(scored=folders.scored(tmp_path, scorer, scorer=scorer), top_fraction=0.3)
        losses = shifted(change) if change else RAMP
        folders.point(tmp_path, "rubric_and_scorer", f"by-{scorer}", losses, data=data)
    seen = text(build(str(tmp_path), "rubric_and_scorer", "files")[0])
    assert "expected, five_point is better than generated, five_point: −0.200" in seen
    assert "corrected for 2 comparisons (Bonferroni)" in seen
    shutil.rmtree(tmp_path / "evals" / "by-generated")
    seen = text(build(str(tmp_path), "rubric_and_scorer", "files")[0])
    assert (
        "The planned comparison, each against generated, five_point, is not there. Exploratory: by held-out loss, likelihood, "
        "forward and expected, five_point cannot be told apart: +0.500 nats a token, without an interval" in seen
    )


def test_a_curve_in_ln_n_is_fitted_only_where_x_counts_data(tmp_path: Path) -> None:
    for size in (7, 33, 65):
        data = folders.curated(tmp_path, None, 4.5)
        folders.point(tmp_path, "model_scale", f"m{size}", RAMP, base=f"org/llama-{size}b", data=data, web=size)
    page, _ = build(str(tmp_path), "model_scale", "files")
    assert 'id="scaling"' not in page
    assert "In the paper, at its own sizes and not at ours: 83.71 % at 65 against 79.84 % at 33, +3.9 points" in text(
        page
    )


def test_runs_that_differ_by_more_than_their_seed_are_never_pooled(tmp_path: Path) -> None:
    for base in ("llama-7b", "Llama-2-7b"):
        for seed in (0, 1):
            folders.point(tmp_path, "model_scale", f"{base}-s{seed}", RAMP, base=f"org/{base}", seed=seed)
    assert [(s.label, len(s.runs)) for s in told(tmp_path, "model_scale")] == [
        ("seed alone, model.path org/Llama-2-7b at 7 billion parameters", 2),
        ("seed alone, model.path org/llama-7b at 7 billion parameters", 2),
    ]


def test_seed_files_of_one_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    for source in ("lima", "alpaca"):
        (tmp_path / source).mkdir()
        (tmp_path / source / "train.jsonl").write_text(source)
        data = DataConfig(seed_path=str(tmp_path / source / "train.jsonl"))
        folders.point(tmp_path, "data_efficiency", source, RAMP, data=data)
    assert [s.place.series for s in told(tmp_path, "data_efficiency")] == ["alpaca/train", "lima/train"]


def test_sizes_beyond_the_seed_there_is_are_one_run(tmp_path: Path) -> None:
    for size in (80, 800, 1600):
        for seed in (0, 1):
            name, data = f"seed-n{size}-s{seed}", DataConfig(seed_size=size)
            folders.point(tmp_path, "joint", name, RAMP, seed=seed, data=data, seeds=min(size, 120))
    assert [(s.label, [point.seed for point in s.runs]) for s in told(tmp_path, "joint")] == [
        ("seed alone at 80 training examples", [0, 1]),
        ("seed alone at 120 training examples", [0, 1]),
    ]


def test_other_seeds_scores_are_other_files_but_the_same_setting(tmp_path: Path) -> None:
    for seed in (0, 1):
        root = tmp_path / f"s{seed}"
        folders.point(root, "iterations", "m0", RAMP, seed=seed)
        data = DataConfig(scored=folders.scored(root, "m0", f"{root}/models/m0"), min_score=4.5)
        folders.point(root, "iterations", "m1", RAMP, seed=seed, data=data)
    assert [(s.label, len(s.runs)) for s in told(tmp_path, "iterations")] == [("M0", 2), ("M1", 2)]


def test_other_seeds_scores_explain_no_gap_but_another_scorers_do(tmp_path: Path) -> None:
    def point(seed: int, least: float | None, **scorer: str) -> None:
        root = tmp_path / f"s{seed}"
        data = DataConfig(scored=folders.scored(root, "m0", f"{root}/models/m0", **scorer), min_score=least, size=24)
        folders.point(root, "curation_threshold", f"a{least}", RAMP, seed=seed, data=data)

    for seed in (0, 1):
        folders.point(tmp_path / f"s{seed}", None, "m0", RAMP, seed=seed)
        for least in (None, 4.5):
            point(seed, least)
    assert "The runs also differ" not in text(build(str(tmp_path), "curation_threshold", "files")[0])
    folders.point(tmp_path / "s2", None, "m0", RAMP, seed=2)
    point(2, 4.0, scorer="likelihood")
    assert "The runs also differ in data.scored, which" in text(build(str(tmp_path), "curation_threshold", "files")[0])


def test_pairs_of_other_candidates_or_ratings_are_another_setting(tmp_path: Path) -> None:
    """Inputs tell, not configs alone; else one would hide the other, or pass for its second seed."""
    for seed, name in enumerate(("ours", "theirs")):
        data = DataConfig(scored=folders.scored(tmp_path, name, scorer="given"), min_score=4.5, size=24)
        folders.point(tmp_path, "curation_threshold", f"{name}-s0", RAMP, data=data)
        folders.point(tmp_path, "curation_threshold", f"{name}-s1", RAMP, seed=seed + 1, data=data)
    assert [len(one.runs) for one in told(tmp_path, "curation_threshold")] == [2, 2]
    assert "The runs also differ in data.scored, which" in text(build(str(tmp_path), "curation_threshold", "files")[0])


def test_fewer_web_pairs_than_asked_for_are_told_and_not_set_beside_the_paper(tmp_path: Path) -> None:
    for least, web in ((None, 3200), (4.5, 2900)):
        data = folders.curated(tmp_path, 3200, least)
        folders.point(tmp_path, "curation_threshold", f"a{least}", RAMP, data=data, web=web)
    page, files = build(str(tmp_path), "curation_threshold", "files")
    assert "There were fewer web pairs than asked for: A5 at 3,200 web pairs had 2,900." in text(page)
    assert "The planned comparison, A5 against no curation, is not there." in text(page)
    assert "A5 and no curation" not in text(page) and "In the paper:" not in text(page)
    ours = {row["series"]: row["paper_win_rate"] for row in lines(files, "numbers.csv") if row["source"] == "ours"}
    assert ours == {"no curation": "51.5", "A5": ""}


def test_a_sweep_without_losses_has_no_empty_panel(tmp_path: Path) -> None:
    folders.point(tmp_path, "curation_threshold", "a5", RAMP, data=folders.curated(tmp_path, 3200, 4.5))
    (tmp_path / "evals" / "a5" / "data" / "00000.parquet").write_bytes(b"PAR1 no more")
    _, files = build(str(tmp_path), "curation_threshold", "files")
    assert "paper.svg" in files and "heldout_loss.svg" not in files


def test_the_seed_alone_of_the_joint_figure_is_open_assistant_by_our_reading() -> None:
    alone = [one for one in published("joint") if one.series == "seed alone"]
    theirs = [one for one in published("data_efficiency") if one.series == "Open Assistant"]
    assert [(one.x, one.win_rate) for one in alone] == [(one.x, one.win_rate) for one in theirs]
    assert all("our reading" in one.source for one in alone)


def test_a_sweep_of_ones_own_groups_names_less_their_seeds(tmp_path: Path) -> None:
    for name, lr in (("short", 1e-5), ("long", 1e-4)):
        for seed in (0, 1):
            folders.point(tmp_path, "prompts", f"{name}-s{seed}", shifted(seed / 10), seed=seed, lr=lr)
    seen = text(build(str(tmp_path), "prompts", "files")[0])
    assert "long 2 " in seen and "short 2 " in seen and "The paper" not in seen


def test_what_else_differs_is_told(tmp_path: Path) -> None:
    folders.point(tmp_path, "tags", "without", RAMP, data=DataConfig(tagged=False), lr=1e-5)
    folders.point(tmp_path, "tags", "with", shifted(-0.5), lr=1e-4)
    folders.point(tmp_path, "tags", "unmeasured", RAMP, seed=1)
    shutil.rmtree(tmp_path / "evals" / "unmeasured")
    seen = text(build(str(tmp_path), "tags", "files")[0])
    assert "The runs also differ in optim.end_lr, optim.lr, which may explain a gap as well." in seen
    assert "Not finished or not evaluated yet: models/unmeasured." in seen


def test_damaged_runs_are_named_and_left_out(tmp_path: Path) -> None:
    folders.thresholds(tmp_path)
    name = "curation_threshold-a4.5-n3200-s0"
    (tmp_path / "evals" / name / "data" / "00000.parquet").write_bytes(b"PAR1 no more")
    seen = text(build(str(tmp_path), "curation_threshold", "files")[0])
    assert f"Damaged evals/{name} : " in seen and ", 1 and 2 seeds" in seen


def test_figures_are_the_same_bytes_every_time_and_text_stays_text(tmp_path: Path) -> None:
    folders.thresholds(tmp_path)
    _, first = build(str(tmp_path), "curation_threshold", "files")
    _, again = build(str(tmp_path), "curation_threshold", "files")
    assert first == again
    assert b">no curation</text>" in first["paper.svg"] and first["paper.pdf"].startswith(b"%PDF")


def test_hostile_names_stay_texts(tmp_path: Path) -> None:
    evil = f"<script>x$\\frac{{{HOSTILE['output'].replace('/', '')}"
    for name in (evil, "plain", "a font: 7px zz #0072b2"):
        folders.point(tmp_path, "model_scale", f"{len(name)}", RAMP, base=f"org/{name}")
    page, files = build(str(tmp_path), "model_scale", "files")
    assert "&lt;script&gt;x" in page and "{{ 7*7 }}" in page
    assert not set(re.findall(r"<\s*([a-zA-Z]+)", page)) & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "form",
    }
    assert page.count("<style>") == page.count("</style>") == 1
    assert page.count("<text ") == page.count("</text>") > 0
    assert "a font: 7px zz #0072b2</text>" in page and not re.search(r'style="[^"]*font: ', page)
    assert b"<script" not in files["heldout_loss.svg"]
    assert all(re.match(r"#|files/[\w.]+$", address) for address in re.findall(r'href="([^"]*)"', page))
    assert not re.search(r"url\((?!#)|@import|src=", " ".join(re.findall("<[^>]*>", page)))


def test_the_papers_points_are_whole() -> None:
    assert [(one.series, one.win_rate) for one in published("tags")][-1] == ("tagged, asked with S_a + S_w", 66.47)
    assert all(one.source for name in ABLATIONS for one in published(name))
    assert published("learning_rate") == []


def test_unknown_sweeps_and_unmeasured_ones_are_one_line(tmp_path: Path) -> None:
    folders.point(tmp_path, "tags", "a", RAMP)
    folders.point(tmp_path, "joint", "b", RAMP, seed=1)
    shutil.rmtree(tmp_path / "evals" / "b")
    with pytest.raises(
        ValueError, match=r"^sweep=tagz: no run below .* has this tracking.group; there are: joint, tags$"
    ):
        build(str(tmp_path), "tagz", "files")
    with pytest.raises(
        ValueError, match=r"^sweep=joint: none of its models has been evaluated; run python evaluate.py"
    ):
        build(str(tmp_path), "joint", "files")


def test_the_page_lies_in_reports_with_its_files_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders.point(tmp_path, "tags", "a", RAMP)
    report.run(ReportConfig(output_root=str(tmp_path), sweep="tags"))
    assert capsys.readouterr().out == f"\nreport: {tmp_path}/reports/tags.html\n"
    page = (tmp_path / "reports" / "tags.html").read_text()
    links = {address for address in re.findall(r'href="([^"#]+)"', page)}
    assert links == {f"tags_files/{path.name}" for path in (tmp_path / "reports" / "tags_files").iterdir()}


@pytest.mark.slow
def test_the_command_takes_runs_with_a_comma(tmp_path: Path) -> None:
    folders.point(tmp_path, "tags", "a", RAMP)
    folders.point(tmp_path, "tags", "b", shifted(-0.5), seed=1)
    command = [sys.executable, "report.py", f"output_root={tmp_path}"]
    done = subprocess.run([*command, "runs=a,b"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"\nreport: {tmp_path}/reports/a_vs_b.html\n")
    refused = subprocess.run([*command, "runs=a"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert refused.stderr == "error: runs=a: a comparison needs two or more, as in runs=m0,m1\n"
