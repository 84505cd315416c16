"""Golden values of additive Holt-Winters smoothing, by statsmodels: python3 holt_winters.py > holt-winters.json

The beginning is given: level and season from the first period, the trend from the means of the first two.
"""
import json
import math

import numpy as np
from statsmodels.tsa.holtwinters import ExponentialSmoothing

PERIOD = 4
values = np.array([round(20 + 0.3 * i + 5 * math.sin(i * math.pi / 2 + 0.4) + 2 * math.cos(i * i), 6) for i in range(24)])
cases = []
for alpha, beta, gamma in [(0.2, 0.0, 0.1), (0.5, 0.1, 0.3), (0.05, 0.01, 0.05)]:
    level = values[:PERIOD].mean()
    trend = (values[PERIOD : 2 * PERIOD].mean() - level) / PERIOD
    model = ExponentialSmoothing(
        values[PERIOD:],
        trend="add",
        seasonal="add",
        seasonal_periods=PERIOD,
        initialization_method="known",
        initial_level=level,
        initial_trend=trend,
        initial_seasonal=values[:PERIOD] - level,
    )
    fit = model.fit(smoothing_level=alpha, smoothing_trend=beta, smoothing_seasonal=gamma, optimized=False)
    cases.append({"alpha": alpha, "beta": beta, "gamma": gamma, "forecasts": [round(x, 9) for x in fit.fittedvalues]})
print(json.dumps({"period": PERIOD, "values": values.tolist(), "cases": cases}))
