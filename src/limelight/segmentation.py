"""Segmentations with settings: of images for `ImageExplainer`, and of series for `TimeSeriesExplainer`.

Any callable that is given the instance and returns a label map of integers does as well, those of scikit-image for instance.
"""

from limelight.modalities.images.superpixels import Felzenszwalb, Grid, Pixels, Quickshift, Refined, Slic, Watershed
from limelight.modalities.series.segments import ChangePoints, Uniform

__all__ = ["ChangePoints", "Felzenszwalb", "Grid", "Pixels", "Quickshift", "Refined", "Slic", "Uniform", "Watershed"]
