"""What a forward and backward pass needs, read off the training step in modeling/kernels: `llama.py`, `loss.py`, `attention.py`."""

from dataclasses import dataclass

from humpback_exp.config import TrainConfig
from humpback_exp.planning.model_shape import BYTES, Shape

CHUNK = 512
"""Labelled tokens whose logits exist at one time (modeling/kernels/loss.py)."""
BLOCK = 256
"""Queries of one product of attention on a CPU (modeling/kernels/padding_free_attention.py)."""
SCORES = 4
"""Matrices of scores that the backward pass of such a block holds."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Bytes of `tokens` on their way, all labelled; a number takes `wide` bytes in products and `stream` between layers."""

    shape: Shape
    config: TrainConfig
    tokens: int
    stream: int

    @property
    def wide(self) -> int:
        return BYTES[self.config.trainer.precision]

    @property
    def on_cpu(self) -> bool:
        return self.config.trainer.accelerator == "cpu"

    @property
    def casts(self) -> int:
        """Copies of a layer's weights in the dtype of its products, where weights are kept in another."""
        return self.wide * self.shape.layer if self.stream > self.wide else 0

    @property
    def layer(self) -> int:
        """What autograd keeps of a layer: normalised states in fp32 and as products take them, queries, keys, values, the
        attention's output, gate, up and their product, dropout's masks."""
        h, i, q, kv = self.shape.hidden, self.shape.intermediate, self.shape.query, self.shape.kv
        numbers = 2 * h + 2 * q + 2 * kv + 3 * i + 2 * self.shape.head
        if self.wide == 4:
            numbers += q  # torch's kernel keeps its output, too
        masks = (2 * h if self.config.model.dropout else 0) * (self.wide if self.on_cpu else 1)
        return self.tokens * (8 * h + self.wide * numbers + masks) + self.casts

    @property
    def kept(self) -> int:
        """Up to the backward pass: every layer, or with checkpointing the input of every layer."""
        if not self.config.trainer.gradient_checkpointing:
            return self.shape.layers * self.layer
        return self.shape.layers * self.tokens * self.stream * self.shape.hidden

    @property
    def at_work(self) -> int:
        """Beside that, while one layer goes backward: the layer itself if it is recomputed, gradients of what it keeps and of its
        largest matrix."""
        h, i, q, kv = self.shape.hidden, self.shape.intermediate, self.shape.query, self.shape.kv
        scores = SCORES * self.shape.heads * min(BLOCK, self.config.data.max_length) * self.config.data.max_length
        attention = self.tokens * (2 * q + 2 * kv) + (scores if self.on_cpu and self.wide == 2 else 0)
        gradients = self.tokens * (self.stream + self.wide) * h + self.wide * max(2 * i * self.tokens, attention)
        matrix = h * i * (self.wide + 4 if self.casts else self.wide) if self.config.adapter.kind == "none" else 0
        return gradients + matrix + (self.layer if self.config.trainer.gradient_checkpointing else 0)

    @property
    def loss(self) -> int:
        """Beside what is kept, while the loss is made: a chunk's logits with their fp32 softmax, or with the gradient they give the
        output matrix; that matrix's gradient in fp32, its copy in the dtype of products, gradients of the hidden states."""
        wide, matrix = self.wide, self.shape.embedding
        again = 4 if self.on_cpu and wide == 2 else 0  # a CPU widens to fp32 by way of a copy
        chunk = min(CHUNK, self.tokens) * self.shape.vocabulary
        states = self.tokens * self.shape.hidden * (4 + 2 * wide) + (wide * matrix if self.stream > wide else 0)
        if self.config.adapter.kind == "lora":
            return states + chunk * (wide + 4 + again)
        return states + 4 * matrix + max(chunk * (wide + 4 + again), chunk * (wide + 4) + matrix * (wide + again))
