"""The probe rates a labelled candidate without its label, and all others by every label."""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict

from benchmarks.probe import classifier, folds, ratings


def test_ratings_of_labelled_and_other_candidates() -> None:
    draw = np.random.default_rng(0)
    good = np.tile([0, 1], 20)
    features = draw.normal(size=(40, 4)) + good[:, None] * np.array([1.5, 0, 0, 0])
    labelled = {f"l{place}": row for place, row in enumerate(features)}
    other = {"o1": np.array([4.0, 0, 0, 0]), "o2": np.array([-4.0, 0, 0, 0])}
    asked = {id: labelled[id] for id in ("l3", "l38")}
    found = ratings(other | asked, labelled, good)
    held_out = cross_val_predict(classifier(), features, good, cv=folds(0), method="predict_proba")[:, 1]
    on_all = classifier().fit(features, good).predict_proba(np.stack(list(other.values())))[:, 1]
    chances = {"l3": held_out[3], "l38": held_out[38], "o1": on_all[0], "o2": on_all[1]}
    assert found == pytest.approx({id: 1 + 4 * chance for id, chance in chances.items()}, abs=1e-12)
    assert 1 < found["o2"] < found["o1"] < 5
