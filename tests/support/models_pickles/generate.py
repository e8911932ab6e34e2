"""Writes the pickles beside it: what real libraries wrote, in the versions named below.

    python -m venv V && V/bin/pip install joblib==1.6.0 lz4==4.4.5 dill==0.4.1 cloudpickle==3.1.2 \
        scikit-learn==1.9.1 pandas==3.1.1 && V/bin/python generate.py
    V/bin/pip install joblib==1.1.1 && V/bin/python generate.py old

None of them is loaded by any test.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import cloudpickle
import dill
import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

HERE = Path(__file__).parent
X = np.arange(40, dtype=float).reshape(20, 2) % 7
Y = np.array(["no", "yes"] * 10)
MIXED = {"words": np.array(["a", None, 3], dtype=object), "numbers": X}


def old() -> None:
    """Write what joblib wrote before 1.2: raw arrays without alignment."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    joblib.dump(pipeline, HERE / "joblib-1.1-sklearn-pipeline.joblib")
    joblib.dump(MIXED, HERE / "joblib-1.1-objects.joblib")


def new() -> None:
    """Write the rest."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    forest = RandomForestClassifier(2, max_depth=2, random_state=0).fit(X, Y)
    neighbours = KNeighborsClassifier(2, algorithm="kd_tree").fit(X, Y)
    logarithm = make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()).fit(X, Y)
    joblib.dump(pipeline, HERE / "joblib-sklearn-pipeline.joblib")
    joblib.dump(forest, HERE / "joblib-zlib-sklearn-forest.joblib", compress=3)
    joblib.dump(neighbours, HERE / "joblib-xz-sklearn-neighbours.joblib", compress=("xz", 3))
    joblib.dump(MIXED, HERE / "joblib-objects.joblib")
    joblib.dump(forest, HERE / "joblib-lz4-sklearn-forest.joblib", compress=("lz4", 3))
    joblib.dump(MIXED, HERE / "joblib-lz4-objects.joblib", compress="lz4")
    for protocol in (0, 2, 5):
        (HERE / f"pickle-{protocol}-sklearn-pipeline.pkl").write_bytes(
            pickle.dumps(pipeline, protocol)
        )
    (HERE / "pickle-sklearn-logarithm.pkl").write_bytes(pickle.dumps(logarithm))
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.to_datetime(["2020", "2021"])})
    (HERE / "pickle-pandas.pkl").write_bytes(pickle.dumps(frame))
    (HERE / "dill-array.dill").write_bytes(dill.dumps({"weights": X}))
    (HERE / "dill-function.dill").write_bytes(dill.dumps(lambda x: x + 1))
    (HERE / "cloudpickle-function.pkl").write_bytes(cloudpickle.dumps(lambda x: x + 1))


if __name__ == "__main__":
    old() if sys.argv[1:] == ["old"] else new()
