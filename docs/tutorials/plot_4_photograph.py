"""
A photograph
============

Which part of a picture speaks for a class? The two photographs that come with scikit-learn show a temple and a
flower. A small classifier learns their colours, and is then shown a picture with a bit of both. Any other model of
images is explained in the same way: a network of torch, an ONNX file, a function.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images

from limelight import ImageExplainer

temple, flower = load_sample_images().images
plt.figure(figsize=(8, 3))
for place, image in enumerate((temple, flower), start=1):
    plt.subplot(1, 2, place)
    plt.imshow(image)
    plt.axis("off")

# %%
# A classifier of colours
# -----------------------
# It counts how often each of 16 x 16 x 16 colours occurs in each photograph. A pixel's colour then says how likely
# the pixel is to come from the flower, and the probability of a picture is the mean over its pixels.


def colours(image):
    """The number of each pixel's colour."""
    return (image // 16).astype(int) @ [256, 16, 1]


counts = [np.bincount(colours(image).ravel(), minlength=4096) for image in (temple, flower)]
is_flower = (counts[1] + 1) / (counts[0] + counts[1] + 2)


def model(images):
    """The probabilities of temple and flower for a batch of images."""
    probabilities = np.array([is_flower[colours(image)].mean() for image in images])
    return np.column_stack([1 - probabilities, probabilities])


# %%
# Explain a picture with both
# ---------------------------
# The left half is temple, the right half flower. Patches that are absent in a perturbation are grey. Many patches
# weigh about the same here, so that all of them are listed: ``feature_selection="none"``.
both = np.concatenate([temple[100:350, 150:320], flower[100:350, 200:370]], axis=1)
explainer = ImageExplainer(class_names=["temple", "flower"], fill=128, feature_selection="none")
explanation = explainer.explain_instance(both, model, labels=["flower"])
explanation

# %%
# Blue patches speak for the flower. The share of the weight that lies in the right half:
heat = explanation.view.heat_map(explanation.as_map()[1])
print(f"{heat[:, 170:].sum() / heat.sum():.0%}; the least weight is {heat.min():.4f}")

# %%
# No patch speaks against the flower, not even one of the temple. An absent patch is grey, and grey is a colour of the
# temple: so a patch of the temple can hardly lower what is low already. What shows instead of an absent patch is part
# of the question. :doc:`/images` has the other fillings and segmentations.
