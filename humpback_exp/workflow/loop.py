"""A loop as a list of stage configs (design section 5): what `pipeline.py` runs and `plan.py` estimates."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from humpback_exp.config import (
    AugmentConfig,
    EvaluateConfig,
    PipelineConfig,
    RewriteConfig,
    ScoreConfig,
    SegmentConfig,
    SelectConfig,
    StageConfig,
    TrainConfig,
)
from humpback_exp.workflow.steps import gates, selection_name


@dataclass(slots=True)
class Loop:
    """Each method but `main` makes the config of one stage from the settings that stages share.

    Inputs are named as below output_root: `models/m0`.
    """

    config: PipelineConfig

    def main(self) -> list[StageConfig]:
        """Corpus to M_iterations, in the order the stages run."""
        stages: list[StageConfig] = [self.segment(), self.train("backward"), self.augment(), self.evaluate("base")]
        for t in range(self.config.iterations + 1):
            if t:
                score = self.score(f"m{t - 1}", f"models/m{t - 1}")
                stages += [*gates(score, self.config.gate), score, self.select(f"m{t - 1}")]
            chosen = self.selection | {"scored": f"scored/m{t - 1}"} if t else {}
            stages += [self.train(f"m{t}", **chosen), self.evaluate(f"m{t}")]
        return stages

    @property
    def selection(self) -> dict[str, Any]:
        return self.same("min_score", "top_fraction")

    def path(self, name: str) -> str:
        return str(Path(self.config.output_root) / name)

    def same(self, *names: str) -> dict[str, Any]:
        """Settings of the loop that a stage has under the same names."""
        return {name: getattr(self.config, name) for name in names}

    def common(self, name: str) -> dict[str, Any]:
        c = self.config
        tracking = replace(c.tracking, group=c.tracking.group or c.name)
        return self.same("output_root", "seed") | {"name": name, "tracking": tracking}

    def generating(self, name: str, model: str) -> dict[str, Any]:
        """What every stage has that asks a model of ours for many texts."""
        how = self.same("engine", "executor", "chunk_size")
        return self.common(name) | how | {"tagged": self.config.data.tagged, "model_path": self.path(model)}

    def segment(self) -> SegmentConfig:
        return SegmentConfig(**self.common("web"), **self.same("corpus", "workers"))

    def train(
        self, name: str, scored: str | None = None, as_many_as: str | None = None, **selection: Any
    ) -> TrainConfig:
        """A model from the base: on the seed alone, or with what is selected from `scored`; backward if named so."""
        c = self.config
        data = replace(
            c.data,
            direction="backward" if name.startswith("backward") else "forward",
            scored=scored and self.path(scored),
            as_many_as=as_many_as and self.path(as_many_as),
            **selection,
        )
        return TrainConfig(**self.common(name), **self.same("model", "adapter", "optim", "trainer"), data=data)

    def augment(self, name: str = "web", model: str = "models/backward") -> AugmentConfig:
        segments = self.path("segments/web")
        return AugmentConfig(**self.generating(name, model), segments=segments, **self.same("limit", "generation"))

    def score(self, name: str, model: str, candidates: str = "candidates/web", **asked: Any) -> ScoreConfig:
        c = self.config
        usual = self.same("scorer", "likelihood", "compare", "rubric", "attempts", "samples") | {
            "candidates": self.path(candidates),
            "backward_path": self.path("models/backward"),
            "base_path": c.model.path,
            "base_template": c.model.template,
            "generation": c.rating,
        }
        return ScoreConfig(**self.generating(name, model), **usual | asked)

    def select(self, name: str) -> SelectConfig:
        folder = f"{name}-{selection_name(**self.selection)}"
        return SelectConfig(**self.common(folder), scored=self.path(f"scored/{name}"), **self.selection)

    def rewrite(self, name: str) -> RewriteConfig:
        asked: dict[str, Any] = {"scored": self.path(f"scored/{name}"), "generation": self.config.rewriting}
        return RewriteConfig(**self.generating(name, f"models/{name}"), **asked, **self.selection)

    def evaluate(self, name: str) -> EvaluateConfig:
        c, base = self.config, name == "base"
        return EvaluateConfig(
            **self.common(name),
            **self.same("evaluations", "benchmarks", "sensitive", "heldout", "heldout_sets", "heldout_dataset", "tags"),
            model_path=c.model.path if base else self.path(f"models/{name}"),
            reference=None if base else self.path("evals/base"),
            template=c.model.template if base else None,
            judge=c.judge if c.judge.path else replace(c.judge, path=c.model.path, template=c.model.template),
            generation=c.answers or c.generation,
            engine=c.engine,
        )
