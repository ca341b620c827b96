"""What docs/reproduce.md says that the paper leaves open or does otherwise is what happens."""

import subprocess
from pathlib import Path

from humpback_exp import reasons
from humpback_exp.config import EngineConfig, JudgeConfig
from humpback_exp.evaluation.judge.asking import Judge
from humpback_exp.evaluation.judge.prompt import Question
from humpback_exp.planning.input_check import check_inputs, check_judges
from humpback_exp.prompts import TAGS
from humpback_exp.records import Candidate, write
from humpback_exp.stages.score import candidates
from humpback_exp.workflow.variants import whole_loop
from tests.conftest import ROOT
from tests.sweep.test_shipped_sweeps import points_of
from tests.test_configs import composed

PAGE = (ROOT / "docs/reproduce.md").read_text(encoding="utf-8")


def test_any_judge_is_asked_under_the_seeds_tag(tmp_path: Path) -> None:
    """Prompts go to the judge's engine as they are; nothing of them depends on which model it is."""
    asked: list[list[dict[str, str]]] = []

    class Foreign:
        def choose(self, conversations, choices, opening, advance) -> list[list[float]]:
            asked.extend(conversations)
            return [[0.5, 0.5] for _ in conversations]

    judge = Judge(JudgeConfig(path="org/foreign"), EngineConfig(), seed=0, kept=tmp_path)
    questions = [Question("Name a river.", "Elbe", "Oder"), Question("Name a river.", "Oder", "Elbe")]
    judge.ask(Foreign, questions, lambda rows, tokens: None)
    assert [turn["role"] for turn in asked[0]] == ["system", "user"] and len(asked) == 2
    assert {turns[0]["content"] for turns in asked} == {TAGS["seed"]}
    assert "under the seed's tag S_a, also for a judge from elsewhere" in PAGE


def test_model_scale_varies_the_size_of_the_model_and_not_of_the_data() -> None:
    scale = [point[0] for point in points_of("model_scale")]
    assert [stage.data.size for stage in scale] == [None] * 6
    assert sorted({(stage.model.layers, stage.data.scored is not None) for stage in scale}) == [
        (layers, curated) for layers in (32, 60, 80) for curated in (False, True)
    ]
    assert "`sweeps/model_scale.yaml`: 7B, 33B and 65B, seed alone and whole A_5" in PAGE


def test_the_page_says_how_to_vary_the_size_of_the_data_as_well() -> None:
    assert "add `data.size=3200,6400,12800,25600` with the size in `name=`" in PAGE
    words = ("data=curated_a5_m1", "data.size=3200,6400,12800,25600", "name='scale-${model.layers}-${data.size}'")
    grown = [point[0] for point in points_of("model_scale", *words)]
    assert len({stage.folder for stage in grown}) == 12
    assert {stage.data.size for stage in grown} == {3200, 6400, 12800, 25600}


def test_candidates_that_are_no_instruction_are_never_rated(tmp_path: Path) -> None:
    rows = [Candidate(id=each, url="", offset=0, heading_path=[], instruction="", output="", raw="", dropped=why)
            for each, why in (("a", ""), ("b", reasons.EMPTY), ("c", reasons.ECHOES))]  # fmt: skip
    (tmp_path / "data").mkdir()
    write(tmp_path / "data/00000.parquet", Candidate, rows)
    assert [row.id for row in candidates(tmp_path)] == ["a"]
    assert "| candidates that are no instruction | not said | dropped before rating, with a reason, counted |" in PAGE


def test_the_loop_in_one_command_lacks_nothing_but_a_machine(tmp_path: Path) -> None:
    """Its words are those of jobs/run.env, of which pages and judge are the user's."""
    command = next(line for line in PAGE.splitlines() if line.startswith("    python pipeline.py experiment=paper"))
    words = f". jobs/run.env; PAGES=examples/pages OUTPUT={tmp_path}; echo {command.split('pipeline.py')[1]}"
    said = subprocess.run(["bash", "-c", words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    stages = whole_loop(composed("pipeline", *said.split()))
    check_inputs(stages)
    check_judges(stages)
