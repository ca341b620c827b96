"""The refusal of benchmarks that this machine cannot ask, before a model is trained for them."""

from importlib.util import find_spec
from pathlib import Path

from humpback_exp.config import EvaluateConfig
from humpback_exp.config.bounds import require
from humpback_exp.config.measurements import benchmark


def check_benchmarks(config: EvaluateConfig) -> None:
    """Raise the ValueError of lm-eval that is not installed, of an engine that it cannot use, or of a folder that is missing."""
    names = [name for name in config.measurements if benchmark(name)]
    if not names:
        return
    installed = find_spec("lm_eval") is not None
    require(installed, "evaluations", names[0], "lm-eval is not installed; pip install 'humpback-exp[eval]'")
    stored = f"leaves {names[0]} no model to ask; leave it out"
    require(config.stored_answers is None, "stored_answers", config.stored_answers, stored)
    served = "benchmarks need the model itself; evaluate its folder with engine=transformers"
    require(config.engine.name != "openai", "engine", config.engine.name, served)
    for key in ("data", "tasks"):
        path = getattr(config.benchmarks, key)
        require(path is None or Path(path).is_dir(), f"benchmarks.{key}", path, "no such folder")
