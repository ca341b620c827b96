"""The module of each stage, imported when it runs: a stage brings torch or a parser with it, and --help must not."""

from types import ModuleType

from humpback_exp.config import StageConfig


def stage_module(config: StageConfig) -> ModuleType:
    """The module whose `run(config, artifact, tracker)` fills the folder; that of a bulk stage has `bulk(config)`, too."""
    match config.stage:
        case "segment":
            from humpback_exp.stages import segment

            return segment
        case "train":
            from humpback_exp.stages import train

            return train
        case "augment":
            from humpback_exp.stages import augment

            return augment
        case "gate":
            from humpback_exp.stages import gate

            return gate
        case "score":
            from humpback_exp.stages import score

            return score
        case "select":
            from humpback_exp.stages import select

            return select
        case "rewrite":
            from humpback_exp.stages import rewrite

            return rewrite
        case "evaluate":
            from humpback_exp.stages import evaluate

            return evaluate
    raise AssertionError(config.stage)
