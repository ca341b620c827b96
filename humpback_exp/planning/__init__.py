"""What a run needs and what a machine has, known before anything is loaded. Torch-free, so it answers at once."""

from humpback_exp.planning.check import check, suggestion
from humpback_exp.planning.engines import check_engine, check_workers
from humpback_exp.planning.shapes import shape_of

__all__ = ["check", "check_engine", "check_workers", "shape_of", "suggestion"]
