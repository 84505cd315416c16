"""Writes the golden values of statistics.test.ts with numpy and scipy: python3 statistics.golden.py > statistics.golden.json"""
import json
import numpy as np
from scipy import stats

rng = np.random.default_rng(1)
series = [
    [round(float(v), 3) for v in rng.normal(10, 3, 25)],
    [round(float(v), 3) for v in np.arange(20) * 0.5 + rng.normal(0, 2, 20)],
    [float(v) for v in rng.integers(0, 4, 30)],
    [5.0] * 12,
    [3.0, 1.0],
]


def mann_kendall(x):
    s = sum(np.sign(x[j] - x[i]) for i in range(len(x)) for j in range(i + 1, len(x)))
    n = len(x)
    _, counts = np.unique(x, return_counts=True)
    var = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in counts)) / 18
    z = 0.0 if var == 0 else float((s - np.sign(s)) / np.sqrt(var))
    return {"s": float(s), "varS": float(var), "z": z, "p": float(2 * stats.norm.sf(abs(z)))}


out = []
for x in series:
    a = np.array(x)
    out.append({
        "values": x,
        "quantiles": {str(q): float(np.quantile(a, q)) for q in (0, 0.1, 0.25, 0.5, 0.9, 0.99, 1)},
        "theilSenSlope": float(stats.theilslopes(a)[0]) if len(set(x)) > 1 else 0.0,
        "mannKendall": mann_kendall(a),
    })
print(json.dumps(out, indent=1))
