"""The estimator whose fitted instances are pickled beside the service."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FEATURES = ("length", "exclamation_marks", "capitals", "urgent_words")
URGENT = frozenset({"urgent", "asap", "immediately", "now", "down", "outage", "blocked"})


def features(text: str) -> list[float]:
    """Return the numbers that :class:`LogisticRegression` was fitted on, in order."""
    words = text.lower().split()
    return [
        min(len(words), 100) / 100,
        float(min(text.count("!"), 5)),
        sum(character.isupper() for character in text) / max(len(text), 1),
        float(sum(word.strip(".,!?:;") in URGENT for word in words)),
    ]


class LogisticRegression:
    """Two-class logistic regression with scikit-learn's conventions, on plain lists."""

    def __init__(self, *, C: float = 1.0, max_iter: int = 100) -> None:  # noqa: N803 - as there
        self.C = C
        self.max_iter = max_iter

    def get_params(self, deep: bool = True) -> dict[str, float]:  # noqa: ARG002 - as there
        """Return the constructor's parameters, as scikit-learn's tools expect."""
        return {"C": self.C, "max_iter": self.max_iter}

    def predict_proba(self, rows: Sequence[Sequence[float]]) -> list[list[float]]:
        """Return the probability of each class for each row."""
        result = []
        for row in rows:
            pairs = zip(self.coef_[0], row, strict=True)
            z = self.intercept_[0] + sum(weight * value for weight, value in pairs)
            positive = 1 / (1 + math.exp(-z))
            result.append([1 - positive, positive])
        return result

    def predict(self, rows: Sequence[Sequence[float]]) -> list[str]:
        """Return the more likely class of each row."""
        return [self.classes_[int(p[1] > 0.5)] for p in self.predict_proba(rows)]

    coef_: list[list[float]]
    intercept_: list[float]
    classes_: list[str]
