"""Scoring with the tiny model: the ledger, the comparison of scorers, calibration in a closing pass that may be killed."""

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from humpback_exp import artifacts
from humpback_exp.config import (
    AugmentConfig,
    BoundsConfig,
    EngineConfig,
    GateConfig,
    GenerationConfig,
    RubricConfig,
    ScoreConfig,
    SelectConfig,
    identity,
    input_paths,
)
from humpback_exp.curation import calibration
from humpback_exp.curation.calibration import calibrated
from humpback_exp.curation.external import load_ratings
from humpback_exp.curation.outcomes import scored
from humpback_exp.curation.parsing import Rated
from humpback_exp.curation.selection import shuffled_rank
from humpback_exp.records import Candidate, ScoredCandidate, parts, read, write
from humpback_exp.stages import score, select
from humpback_exp.tracking import Tracker
from humpback_exp.workflow.steps import gates
from tests.inference.misbehaving import completion, misbehaving

RUBRIC = RubricConfig(prompt="Rate from 1 to 5.\n{instruction}\n{output}")
KILLED = KeyboardInterrupt


def candidate(number: int, **texts: str) -> Candidate:
    pair = {"instruction": f"Name {number} rivers.", "output": "Indus, " * (number + 1)} | texts
    return Candidate(id=f"c{number:02d}", url="u", offset=number, heading_path=[], raw="", **pair)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, tiny: str) -> Path:
    """Nine candidates, of which one is too long for the model, and one that augmentation dropped."""
    root = tmp_path_factory.mktemp("score")
    artifact = artifacts.begin(AugmentConfig(output_root=str(root), name="web", segments="s", model_path="m"))
    rows = [candidate(number) for number in range(8)]
    rows += [candidate(8, output="word " * 5000), candidate(9, dropped="empty")]
    write(artifact.folder / "data" / "00000.parquet", Candidate, rows)
    artifacts.finish(artifact, started=time.time(), rows={"segments": 10, "candidates": 9}, drops={"empty": 1})
    return root


def config(root: Path, name: str, tiny: str, **settings) -> ScoreConfig:
    shared = {
        "output_root": str(root),
        "name": name,
        "candidates": f"{root}/candidates/web",
        "model_path": tiny,
        "backward_path": tiny,
        "rubric": RUBRIC,
        "generation": GenerationConfig(max_new_tokens=4),
        "attempts": 2,
        "engine": EngineConfig(dtype="float32"),
        "chunk_size": 4,
    }
    return ScoreConfig(**shared | settings)


def run(config: ScoreConfig) -> tuple[artifacts.Manifest, list[ScoredCandidate]]:
    manifest = score.run(config, artifacts.begin(config), Tracker())
    return manifest, list(read(config.folder, ScoredCandidate))


def test_every_candidate_is_accounted_for_and_some_are_rated_both_ways(root: Path, tiny: str) -> None:
    manifest, rows = run(config(root, "expected", tiny, scorer="expected", compare=3))
    assert manifest.rows == {"candidates": 9, "readable": 8, "scored": 8, "abandoned": 1}
    assert manifest.drops == {"longer than the context": 1}
    assert [row.id for row in rows] == [f"c{number:02d}" for number in range(9)]
    assert [row.score is None for row in rows] == [False] * 8 + [True]
    assert all(row.score == row.expected and 1 <= row.score <= 5 and 0 < row.mass < 1 for row in rows[:8])
    written = [row.id for row in rows if row.raw]
    first = sorted((row.id for row in rows), key=lambda name: shuffled_rank(0, name))[:3]
    assert sorted(first) == written
    assert manifest.metrics["mean_score"] == pytest.approx(np.mean([row.score for row in rows[:8]]))
    assert manifest.metrics["mean_mass"] == pytest.approx(np.mean([row.mass for row in rows[:8]]))
    assert sum(manifest.metrics["histogram"].values()) == 8


def test_agreement_stands_in_the_manifest(root: Path, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model writes no rating that could be read, so both ratings are given here."""
    given = {"generated": [1.0, 2.0, 3.0, 5.0], "expected": [1.2, 3.4, 2.9, 4.6]}

    def measure(models, config, scorer, rubric, pairs, ids, advance):
        return [Rated(**{scorer: given[scorer][int(i[1:]) % 4]}) for i in ids]

    monkeypatch.setattr(score, "measure", measure)
    manifest, rows = run(config(root, "agreement", tiny, compare=9))
    figures = {key.removeprefix("agreement_"): value for key, value in manifest.metrics.items()}
    assert (figures["compared"], figures["equal"], figures["within_1"]) == (9, 7 / 9, 1.0)
    assert figures["confusion"][1] == [0, 0, 2, 0, 0] and sum(map(sum, figures["confusion"])) == 9
    assert 0.7 < figures["spearman"] < 1
    assert all(row.score == row.generated and row.outcome == "scored" for row in rows)
    assert score.confusion(manifest.metrics)[1] == {
        "written": 2, "expected 1": 0, "expected 2": 0, "expected 3": 2, "expected 4": 0, "expected 5": 0
    }  # fmt: skip


def test_an_endpoint_without_log_probabilities_is_told_to_compare_none(root: Path, tiny: str, tmp_path: Path) -> None:
    with misbehaving(lambda number, payload: completion("Score: 4")) as server:
        engine = EngineConfig(name="openai", base_url=server.url, key_variable=None, answers=str(tmp_path / "answers"))
        with pytest.raises(
            ValueError, match=r"^compare=9: .*tells no log-probabilities; .*; compare=0 asks for scorer="
        ):
            run(config(root, "compared", tiny, engine=engine, compare=9))
        manifest, rows = run(config(root, "alone", tiny, engine=engine, compare=0))
        assert [row.score for row in rows] == [4.0] * 9 and manifest.rows["scored"] == 9
        assert len([payload for payload in server.seen if "logprobs" not in payload]) == 9


def test_likelihoods_are_calibrated_over_all_chunks(root: Path, tiny: str) -> None:
    manifest, rows = run(config(root, "both", tiny, scorer="likelihood", likelihood="both"))
    nats = [np.array([getattr(row, name) for row in rows], dtype=float) for name in ("forward", "backward")]
    assert [row.score for row in rows[:8]] == calibrated(nats).tolist()[:8]
    assert np.isnan(nats[0]).tolist() == [False] * 8 + [True]
    assert (rows[8].score, rows[8].dropped) == (None, "longer than the context")
    assert len(parts(root / "scored/both")) == 3 and manifest.rows["scored"] == 8
    assert "agreement_compared" not in manifest.metrics


@pytest.mark.parametrize("at", range(3))
def test_killed_in_the_closing_pass_and_run_again(root: Path, tiny: str, monkeypatch, at: int) -> None:
    """The unbroken run rewrites three chunks; here the second session finds none, one or two of them rewritten."""
    whole, _ = run(config(root, "whole", tiny, scorer="likelihood")) if at == 0 else (None, None)
    broken = config(root, f"broken{at}", tiny, scorer="likelihood")
    left = [at]

    def killing(*asked):
        if not left[0]:
            raise KILLED
        left[0] -= 1
        return write(*asked)

    with monkeypatch.context() as patch:
        patch.setattr(calibration, "write", killing)
        with pytest.raises(KILLED):
            run(broken)
    given = [row.score is not None for row in read(broken.folder, ScoredCandidate)]
    assert given == [number < 4 * at for number in range(8)] + [False]
    manifest, _ = run(broken)
    assert manifest.files == artifacts.load(root / "scored/whole").files
    assert whole is None or len(whole.files) == 3


def test_the_closing_pass_holds_one_chunk_of_texts(tmp_path: Path) -> None:
    def peak(chunks: int) -> int:
        folder = tmp_path / str(chunks)
        for chunk in range(chunks):
            rows = [
                scored(candidate(n, output=f"{chunk} {n} " * 5000), None, Rated(forward=float(n))) for n in range(32)
            ]
            write(folder / "data" / f"{chunk:05d}.parquet", ScoredCandidate, rows)
        tracemalloc.start()
        calibration.calibrate(folder, ["forward"])
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(8) < 1.2 * peak(2)


def test_what_a_scorer_does_not_use_identifies_no_run(tiny: str) -> None:
    one = config(Path("out"), "m0", tiny, scorer="likelihood")
    assert identity(one) == identity(replace(one, rubric=RubricConfig(prompt="{instruction}"), samples=3, compare=9))
    assert identity(one) != identity(replace(one, likelihood="both"))
    expected = replace(one, scorer="expected", compare=0)
    assert identity(expected) == identity(replace(expected, generation=GenerationConfig(top_p=0.5), likelihood="both"))
    assert identity(expected) != identity(replace(expected, rubric=RubricConfig(prompt="{instruction}")))
    compared = replace(expected, compare=1)
    assert identity(compared) != identity(replace(compared, generation=GenerationConfig(top_p=0.5)))


def test_an_unused_backward_model_is_no_input(tiny: str) -> None:
    from humpback_exp.config import input_paths

    one = config(Path("out"), "m0", tiny, scorer="likelihood", likelihood="forward")
    assert "backward_path" not in input_paths(one)
    assert input_paths(replace(one, likelihood="backward"))["backward_path"] == tiny


def given(root: Path, *lines: str) -> ScoreConfig:
    """Ratings from a file; no model is named that could be loaded."""
    path = root / "ratings.jsonl"
    path.write_text("\n".join(lines))
    shared = {
        "output_root": str(root),
        "candidates": f"{root}/candidates/web",
        "model_path": "nowhere",
        "chunk_size": 4,
    }
    return ScoreConfig(name="given", scorer="given", ratings=str(path), **shared)


def test_given_ratings_need_no_model_and_leave_no_candidate_out(root: Path) -> None:
    made = given(root, '{"id": "c01", "score": 4.5, "by": "anna\u2028\x85"}', "", '{"id": "c07", "label": 2}')
    assert set(identity(made)) == {"seed", "scorer", "chunk_size"} and set(input_paths(made)) == {
        "candidates",
        "ratings",
    }
    manifest, rows = run(made)
    assert manifest.rows == {"candidates": 9, "readable": 2, "scored": 2, "abandoned": 7}
    assert manifest.drops == {"not rated": 7}
    assert {row.id: row.score for row in rows if row.score} == {"c01": 4.5, "c07": 2.0}
    assert not gates(made, BoundsConfig())
    chosen = SelectConfig(output_root=str(root), name="given-a4.5", scored=str(made.folder), min_score=4.5)
    assert select.run(chosen, artifacts.begin(chosen), Tracker()).rows == {"scored": 9, "curated": 1}
    assert f"rated by {root}/ratings.jsonl (given) and kept" in (chosen.folder / "README.md").read_text().replace(
        "\n", " "
    )


def test_a_mistake_in_the_ratings_leaves_the_name_free(root: Path) -> None:
    wrong = replace(given(root, '{"id": "c01", "score": 9}'), name="corrected")
    with pytest.raises(ValueError, match="must be a number from 1 to 5"):
        run(wrong)
    right = replace(given(root, '{"id": "c01", "score": 4}'), name="corrected")
    assert run(right)[0].rows["scored"] == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['{"id": "c01", "score": 6}'], ":1: score 6 must be a number from 1 to 5"),
        (['{"id": "c01", "score": NaN}'], ":1: score nan must be a number from 1 to 5"),
        (['{"id": "c01", "score": true}'], ":1: score True must be a number from 1 to 5"),
        (
            ['{"id": "c01", "score": 1}', '{"id": "c01", "score": 2}'],
            ":2: id 'c01' stands twice; give each candidate one",
        ),
        (["", '{"id": "c09", "score": 1}'], ":2: id 'c09' is no candidate's; see their Parquet files"),
        (['{"id": "c01"}'], """:1: '{"id": "c01"}' is no object with id and score or label"""),
        (["c01,5"], ":1: 'c01,5' is no object with id and score or label"),
        (["[" * 100_000], f":1: '{'[' * 80}' is no object with id and score or label"),
    ],
)
def test_ratings_that_cannot_be_meant_are_refused(root: Path, lines: list[str], said: str) -> None:
    with pytest.raises(ValueError) as error:
        load_ratings(given(root, *lines).ratings, {f"c{number:02d}" for number in range(9)})
    assert str(error.value) == f"ratings={root}/ratings.jsonl{said}"


def test_given_ratings_want_a_file_and_no_gate(root: Path) -> None:
    with pytest.raises(
        ValueError, match="^ratings=None: scorer=given needs a file of JSON lines with id and score or label$"
    ):
        ScoreConfig(scorer="given")
    with pytest.raises(ValueError, match="^scorer=given: must be one of generated, expected, likelihood; "):
        GateConfig(scorer="given")
