"""Ways beyond the paper, each as the stages that lead from M0 and what it has rated to a model like M1 (docs/beyond.md).

All differ from M1 in one thing and are trained on as many web pairs, so that M1 is what each is compared with.
"""

from collections.abc import Callable

from humpback_exp.config import PipelineConfig, StageConfig
from humpback_exp.stages.loop import Loop


def rewrite(loop: Loop) -> list[StageConfig]:
    """M1's pairs, with their outputs rewritten by M0."""
    return [loop.rewrite("m0"), loop.train("m1-rewrite", scored="rewritten/m0"), loop.evaluate("m1-rewrite")]


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


VARIANTS: dict[str, Callable[[Loop], list[StageConfig]]] = {"rewrite": rewrite, "retrain": retrain}
"""By the names that `PipelineConfig.variants` takes."""


def whole_loop(config: PipelineConfig) -> list[StageConfig]:
    """Every stage of a loop and of its variants, in the order they run."""
    loop = Loop(config)
    return [*loop.main(), *(stage for name in config.variants for stage in VARIANTS[name](loop))]
