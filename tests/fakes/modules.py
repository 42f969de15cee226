"""A decision module made by hand."""

import numpy as np

from pipeline.learned import LearnedStress, Linear

MODULE = LearnedStress(
    version="made-by-hand",
    signals=("nonverbal.negative_share",),
    centre=np.zeros(2),
    scale=np.ones(2),
    decide=Linear(weights=np.array([1.0, 0.0]), bias=0.0),
)
"""Answers 1 / (1 + exp(-z)), z the median distance of one signal from the baseline."""
