"""What a class of models does to its logits behind the output projection: a factor, a cap, and the gradient of both."""

from dataclasses import dataclass

import torch

from humpback_exp.modeling.load import Model


@dataclass(frozen=True, slots=True)
class LogitScaling:
    """What a class does to the logits behind its output projection."""

    factor: float = 1.0
    softcap: float | None = None
    """Logits are squeezed into (-softcap, softcap) by tanh."""

    def apply_(self, logits: torch.Tensor) -> torch.Tensor:
        """Scale and cap logits in place."""
        if self.factor != 1:
            logits.mul_(self.factor)
        if self.softcap is not None:
            logits.div_(self.softcap).tanh_().mul_(self.softcap)
        return logits

    def backward_(self, grad: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
        """The gradient by what `apply_` was given, made of the one by its result `logits`, in place."""
        if self.softcap is not None:
            grad.mul_(1 - (logits / self.softcap).square_())
        return grad.mul_(self.factor) if self.factor != 1 else grad


def logit_scaling(model: Model) -> LogitScaling:
    """Read a model's scaling off its config, under the names that transformers' classes give it.

    A class that scales under a name not known here is found by `modeling.reference`, which compares losses.
    """
    config = model.config.get_text_config()
    kind, factor = config.model_type, getattr(config, "logit_scale", None)  # Cohere
    scale = getattr(config, "logits_scaling", None)
    if scale is not None:
        factor = scale if kind == "hyperclovax" else 1 / scale  # Granite, MiniCPM
    factor = factor or getattr(config, "lm_head_multiplier", None)  # Falcon-H1
    softcap = getattr(config, "final_logit_softcapping", None) or getattr(config, "logits_soft_cap", None)  # Gemma
    return LogitScaling(1.0 if factor is None else factor, softcap)
