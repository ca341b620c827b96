"""corpus + seed -> M2: the whole loop in one command. `python pipeline.py --help` lists every option."""

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humpback_exp.config import PipelineConfig, StageConfig, load, swept
from humpback_exp.errors import exit_on_user_error, user_errors

ConfigStore.instance().store("pipeline_schema", swept(PipelineConfig))


@hydra.main(version_base="1.3", config_path="conf", config_name="pipeline")
def main(cfg: DictConfig) -> list[StageConfig] | None:
    from humpback_exp.workflow import pipeline
    from humpback_exp.workflow.variants import whole_loop

    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return whole_loop(load(cfg, PipelineConfig))
    exit_on_user_error(lambda: pipeline.run(load(cfg, PipelineConfig)))
    return None


if __name__ == "__main__":
    user_errors(main)
