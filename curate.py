"""candidates -> scored -> curated. Scoring is dear and selecting cheap, so they are two folders of one command."""

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from humpback_exp.config import CurateConfig, StageConfig, load, swept
from humpback_exp.errors import user_errors
from humpback_exp.execution.launch import enter
from humpback_exp.workflow.steps import curation_steps

ConfigStore.instance().store("curate_schema", swept(CurateConfig))


@hydra.main(version_base="1.3", config_path="conf", config_name="curate")
def main(cfg: DictConfig) -> list[StageConfig] | None:
    return enter(lambda: curation_steps(load(cfg, CurateConfig)), sweep=HydraConfig.get().mode == RunMode.MULTIRUN)


if __name__ == "__main__":
    user_errors(main)
