"""Segmentations with settings, for ``ImageExplainer(segmentation=...)``.

Any callable that is given an image and returns a label map of integers does as well, those of scikit-image for instance.
"""

from limelight.modalities._superpixels import Felzenszwalb, Grid, Quickshift, Refined, Slic, Watershed

__all__ = ["Felzenszwalb", "Grid", "Quickshift", "Refined", "Slic", "Watershed"]
