"""Makes the golden values of the isolation forest with scikit-learn and numpy.

    python3 test/models/isolation-forest/golden/make_golden.py

Writes beside itself:
- data-sets.json: labelled data sets, and the mean ROC AUC of scikit-learn's IsolationForest over some seeds
- sklearn-forest.json: one fitted forest, samples and their score_samples
- average-path-length.json: c(n)

Debian 12: apt-get install python3-sklearn (1.2.1).
"""

import json
from pathlib import Path

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.ensemble._iforest import _average_path_length
from sklearn.metrics import roc_auc_score

from sklearn_forest import forest_as_lists

HERE = Path(__file__).parent
SEEDS = range(60)


def blob_with_uniform_outliers(rng):
    """A round normal cloud in two dimensions, outliers uniform in a square around it."""
    return rng.normal(size=(450, 2)), rng.uniform(-4, 4, size=(50, 2))


def clusters_of_different_density(rng):
    """Two clusters in three dimensions, one tight and one wide, outliers around both."""
    tight = rng.normal(-2, 0.3, size=(250, 3))
    wide = rng.normal(3, 1.2, size=(200, 3))
    return np.vstack([tight, wide]), rng.uniform(-6, 8, size=(40, 3))


def gateway_minutes(rng):
    """Five features as of a gateway's minutes: rate, three latencies, error rate; slow, failing, busy minutes."""

    def minutes(n, rate, latency, errors):
        requests = rng.lognormal(np.log(rate), 0.3, n)
        average = rng.lognormal(np.log(latency), 0.2, n)
        p95 = average * rng.uniform(1.8, 2.6, n)
        p99 = p95 * rng.uniform(1.2, 1.9, n)
        return np.column_stack([requests, average, p95, p99, rng.beta(1, 1 / errors, n)])

    normal = minutes(480, 50, 80, 0.01)
    odd = [minutes(12, 160, 90, 0.01), minutes(12, 50, 190, 0.02), minutes(12, 48, 85, 0.12), minutes(12, 14, 75, 0.01)]
    return normal, np.vstack(odd)


def correlated_with_broken_pairs(rng):
    """Eight features that rise and fall together; outliers have usual values in an unusual combination."""
    factor = rng.normal(size=(450, 1))
    normal = factor + 0.4 * rng.normal(size=(450, 8))
    return normal, rng.normal(0, 1.5, size=(50, 8))


def counts_with_a_constant(rng):
    """Small integers with many ties, and one feature that never changes."""

    def rows(n, mean):
        return np.column_stack([rng.poisson(mean, n), rng.poisson(3, n), np.full(n, 7), rng.binomial(10, 0.3, n)])

    return rows(550, 5), rows(50, 11)


def heavy_tails_in_twelve(rng):
    """Twelve features with heavy tails; outliers are shifted in three of them."""
    odd = rng.standard_t(3, size=(40, 12))
    odd[:, :3] += 4
    return rng.standard_t(3, size=(400, 12)), odd


def ring(rng):
    """A noisy ring, outliers uniform in a square: some inside it, where every single feature looks usual."""
    angle = rng.uniform(0, 2 * np.pi, 400)
    radius = rng.normal(3, 0.25, 400)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), rng.uniform(-6, 6, size=(40, 2))


DATA_SETS = [
    blob_with_uniform_outliers,
    clusters_of_different_density,
    gateway_minutes,
    correlated_with_broken_pairs,
    counts_with_a_constant,
    heavy_tails_in_twelve,
    ring,
]


def data_set(make, seed):
    normal, odd = make(np.random.default_rng(seed))
    samples = np.round(np.vstack([normal, odd]), 3)
    labels = np.r_[np.zeros(len(normal), int), np.ones(len(odd), int)]
    areas = [
        roc_auc_score(labels, -IsolationForest(n_estimators=100, max_samples=256, random_state=s).fit(samples).score_samples(samples))
        for s in SEEDS
    ]
    return {
        "name": make.__name__.replace("_", " "),
        "n_features": samples.shape[1],
        "n_outliers": len(odd),
        "mean_auc": float(np.mean(areas)),
        "samples": [int(v) if v == int(v) else v for v in samples.ravel().tolist()],
    }


def fitted_forest():
    """A small forest; among the samples scored are some that lie exactly at thresholds."""
    rng = np.random.default_rng(100)
    train = np.round(rng.normal(size=(300, 5)), 2).astype(np.float32)
    forest = IsolationForest(n_estimators=25, max_samples=128, random_state=1).fit(train)
    samples = np.vstack([train[:100], np.round(rng.normal(0, 3, size=(100, 5)), 2).astype(np.float32)])
    for row, estimator in enumerate(forest.estimators_):
        tree = estimator.tree_
        samples[row, tree.feature[0]] = np.float32(tree.threshold[0])
    return {
        **forest_as_lists(forest),
        "samples": samples.ravel().astype(float).tolist(),
        "score_samples": forest.score_samples(samples).tolist(),
    }


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


write("data-sets.json", [data_set(make, seed) for seed, make in enumerate(DATA_SETS)])
write("sklearn-forest.json", fitted_forest())
write("average-path-length.json", {str(n): float(_average_path_length([n])[0]) for n in (0, 1, 2, 5, 256, 999)})
