"""Ways beyond the paper, each as the stages that lead from M0 and what it has rated to a model like M1 (docs/beyond.md).

All differ from M1 in one thing and are trained on as many web pairs, so that M1 is what each is compared with.
"""

from collections.abc import Callable

from humpback_exp.config import PipelineConfig, StageConfig
from humpback_exp.workflow.loop import Loop


def rewrite(loop: Loop) -> list[StageConfig]:
    """M1's pairs, with their outputs rewritten by M0."""
    return [loop.rewrite("m0"), loop.train("m1-rewrite", scored="rewritten/m0"), loop.evaluate("m1-rewrite")]


def instruction_only(loop: Loop) -> list[StageConfig]:
    """M0 rates the instruction without the output; by expectation where the loop's own scorer asks by no rubric."""
    c = loop.config
    scorer = "expected" if c.scorer == "likelihood" else c.scorer
    name = "m0-instruction_only"
    score = loop.score(name, "models/m0", scorer=scorer, rubric=c.instruction_rubric, compare=0)
    return [score, *trained(loop, "instruction_only")]


def backward_likelihood(loop: Loop) -> list[StageConfig]:
    """Pairs are kept whose instruction the backward model finds likely, given the output."""
    score = loop.score("m0-backward_likelihood", "models/m0", scorer="likelihood", likelihood="backward")
    return [score, *trained(loop, "backward_likelihood")]


def retrain(loop: Loop) -> list[StageConfig]:
    """The same segments with instructions of a backward model that was trained on M1's pairs, too."""
    backward = loop.train("backward-retrain", scored="scored/m0", **loop.selection)
    augment = loop.augment("web-retrain", f"models/{backward.name}")
    score = loop.score("m0-retrain", "models/m0", f"candidates/{augment.name}")
    return [backward, augment, score, *trained(loop, "retrain")]


def trained(loop: Loop, variant: str) -> list[StageConfig]:
    """The model of a variant that scores anew, on the best scored, as many as M1's selection holds."""
    name, chosen = f"m1-{variant}", f"curated/{loop.select('m0').name}"
    return [loop.train(name, scored=f"scored/m0-{variant}", as_many_as=chosen), loop.evaluate(name)]


VARIANTS: dict[str, Callable[[Loop], list[StageConfig]]] = {
    "rewrite": rewrite,
    "instruction_only": instruction_only,
    "backward_likelihood": backward_likelihood,
    "retrain": retrain,
}
"""By the names that `PipelineConfig.variants` takes."""


def whole_loop(config: PipelineConfig) -> list[StageConfig]:
    """Every stage of a loop and of its variants, in the order they run."""
    loop = Loop(config)
    return [*loop.main(), *(stage for name in config.variants for stage in VARIANTS[name](loop))]
