"""A classifier trained on the spot: outputs that people wrote against random segments. Called by the segment stage.

What it learns is how outputs of the seed differ from text of the web, by their words and pairs of words.
"""

from collections.abc import Callable, Sequence
from typing import Any

from humpback_exp.config.bounds import require

FEATURES = 1 << 18
MIN_OUTPUTS = 20
"""Fewer tell nothing about words (ours)."""
INSTALL = "pip install 'scikit-learn>=1.9,<1.10'"
Quality = Callable[[Sequence[str]], list[float]]
"""Texts -> the probability that each is like an output of the seed."""


def train(outputs: Sequence[str], segments: Sequence[str]) -> Quality:
    """Learn to tell outputs from segments, each side with the same weight.

    Raises:
        ValueError: scikit-learn is not installed, or there are too few texts.
    """
    require(
        len(outputs) >= MIN_OUTPUTS, "corpus.quality_seed", len(outputs), f"has outputs; give {MIN_OUTPUTS} or more"
    )
    try:
        from sklearn.feature_extraction.text import HashingVectorizer
        from sklearn.linear_model import LogisticRegression
    except ModuleNotFoundError:
        raise ValueError(f"corpus.min_quality: needs scikit-learn; {INSTALL}") from None
    vectors: Any = HashingVectorizer(n_features=FEATURES, ngram_range=(1, 2))
    model: Any = LogisticRegression(class_weight="balanced", max_iter=1000)
    labels = [1] * len(outputs) + [0] * len(segments)
    model.fit(vectors.transform([*outputs, *segments]), labels)
    return lambda texts: [float(share) for share in model.predict_proba(vectors.transform(texts))[:, 1]]
