"""LIME, from top to bottom: the pipeline, and what to ask once a prediction has been explained."""

from limelight._explainer.explainer import Explainer

__all__ = ["Explainer"]
