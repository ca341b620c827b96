"""What a loop will meet on this machine or cluster. Takes the options of plan.py: `python doctor.py model=llama65b`."""

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from humpback_exp.config import PipelineConfig, PlanConfig, load, swept
from humpback_exp.errors import exit_on_user_error, user_errors

ConfigStore.instance().store("pipeline_schema", swept(PipelineConfig))
ConfigStore.instance().store("plan_schema", swept(PlanConfig))


@hydra.main(version_base="1.3", config_path="conf", config_name="plan")
def main(cfg: DictConfig) -> None:
    from humpback_exp.diagnosis import doctor

    exit_on_user_error(lambda: doctor.run(load(cfg, PlanConfig)))


if __name__ == "__main__":
    user_errors(main)
