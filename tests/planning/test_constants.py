"""Numbers that the planner knows by heart are those of the code it describes; it must not import torch to ask."""

from humpback_exp.modeling.checkpoint import save
from humpback_exp.modeling.export import write
from humpback_exp.modeling.kernels import loss, padding_free_attention
from humpback_exp.planning import activations, disk, memory, node_memory


def test_constants_of_the_training_step() -> None:
    assert activations.CHUNK == loss.CHUNK
    assert activations.BLOCK == padding_free_attention.BLOCK


def test_constants_of_checkpoints_and_exports() -> None:
    assert disk.AT_ONCE == save.KEPT + 1
    assert node_memory.SHARD == write.SHARD_BYTES


def test_deepspeeds_defaults() -> None:
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig

    zero = DeepSpeedZeroConfig(stage=3)
    assert memory.BUCKET == zero.reduce_bucket_size
    assert memory.SUB_GROUP == zero.sub_group_size
    assert memory.LIVE == zero.max_live_parameters + zero.prefetch_bucket_size
