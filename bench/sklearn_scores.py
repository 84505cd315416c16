"""Fits and scores with scikit-learn's IsolationForest for the benchmarks, and times itself.

One JSON request a line on standard input, one JSON answer a line on standard output; ends with its input.
Samples and scores are base64 of little-endian float64. Run by bench/sklearn.ts.
"""

import base64
import json
import sys
import time
from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import IsolationForest

sys.path.insert(0, str(Path(__file__).parent.parent / "test/models/isolation-forest/golden"))
from sklearn_forest import forest_as_lists  # noqa: E402

forest = None
samples = None


def samples_of(request):
    values = np.frombuffer(base64.b64decode(request["samples"]), dtype="<f8")
    return values.reshape(-1, request["n_features"])


def fit(request):
    global forest
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=1, n_jobs=1)
    forest.fit(samples_of(request))
    return {"version": sklearn.__version__, "forest": forest_as_lists(forest)}


def load(request):
    global samples
    samples = samples_of(request)
    return {"scores": base64.b64encode((-forest.score_samples(samples)).astype("<f8").tobytes()).decode()}


def measure(_request):
    start = time.perf_counter()
    forest.score_samples(samples)
    return {"ms": (time.perf_counter() - start) * 1000}


for line in sys.stdin:
    request = json.loads(line)
    answer = {"fit": fit, "load": load, "measure": measure}[request["command"]](request)
    print(json.dumps(answer), flush=True)
