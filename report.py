"""Finished folders -> a self-contained HTML page: of everything, of a sweep (sweep=NAME), or of some models (runs=a,b).

Or one table of all runs: table=runs.parquet, or .csv.
"""

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from humpback_exp.config import ReportConfig, load
from humpback_exp.errors import exit_on_user_error, user_errors

ConfigStore.instance().store("report_schema", ReportConfig)


@hydra.main(version_base="1.3", config_path="conf", config_name="report")
def main(cfg: DictConfig) -> None:
    from humpback_exp.workflow import report

    exit_on_user_error(lambda: report.run(load(cfg, ReportConfig)))


if __name__ == "__main__":
    user_errors(main)
