"""`auto` takes bfloat16 where the machine multiplies it fast, and a run is known by what was taken."""

from pathlib import Path

import pytest

from humpback_exp import config
from humpback_exp.config import cpu
from tests.test_configs import composed

XEON = "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16 amx_bf16 amx_tile\n"
ZEN_3 = "processor\t: 0\nflags\t\t: fpu avx2 vaes clzero\n"
GRAVITON_3 = "processor\t: 0\nFeatures\t: fp asimd sve i8mm bf16 dgh\n"
GRAVITON_2 = "processor\t: 0\nFeatures\t: fp asimd atomics\n"


def on(cpuinfo: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a machine whose CPU Linux describes so; None for a system without such a file."""
    listed = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        listed.write_text(cpuinfo, encoding="ascii")
    monkeypatch.setattr(cpu, "CPUINFO", listed)
    monkeypatch.setattr(cpu, "has_bf16", cpu.has_bf16.__wrapped__)
    for module in (config.training, config.inference, config.model):
        monkeypatch.setattr(module, "has_bf16", cpu.has_bf16)


@pytest.mark.parametrize(
    ("cpuinfo", "expected"), [(XEON, True), (ZEN_3, False), (GRAVITON_3, True), (GRAVITON_2, False), (None, False)]
)
def test_a_cpu_is_known_by_its_instructions(
    cpuinfo: str | None, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(cpuinfo, tmp_path, monkeypatch)
    assert cpu.has_bf16() is expected


@pytest.mark.parametrize(("cpuinfo", "precision", "dtype"), [(XEON, "bf16", "bfloat16"), (ZEN_3, "fp32", "float32")])
def test_auto_follows_the_cpu_in_every_part_of_the_loop(
    cpuinfo: str, precision: str, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(cpuinfo, tmp_path, monkeypatch)
    demo = composed("pipeline")
    assert (demo.trainer.precision, demo.engine.dtype, demo.model.dtype) == (precision, dtype, dtype)
    assert config.identity(demo)["trainer.precision"] == precision
    assert composed("train").model.dtype == "float32"


def test_gpus_and_endpoints_take_bfloat16_whatever_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(ZEN_3, tmp_path, monkeypatch)
    assert composed("train", "trainer=zero3").trainer.precision == "bf16"
    assert composed("evaluate", "engine=vllm").engine.dtype == "bfloat16"
    assert composed("augment", "engine=openai", "engine.base_url=http://127.0.0.1:1/v1").engine.dtype == "bfloat16"
    judged = composed("evaluate", "engine@judge.engine=gpu")
    assert (judged.engine.dtype, judged.judge.engine.dtype) == ("float32", "bfloat16")


def test_what_is_asked_for_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(ZEN_3, tmp_path, monkeypatch)
    asked = composed("train", "experiment=laptop", "trainer.precision=bf16", "model.dtype=bfloat16")
    assert (asked.trainer.precision, asked.model.dtype) == ("bf16", "bfloat16")
