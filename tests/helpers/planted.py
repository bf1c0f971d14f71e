"""Models of masks whose limit is known: effects of single components, and noise that no linear model follows."""

import hashlib

import numpy as np
from scipy.special import ndtri
from scipy.stats import binom


class Planted:
    """Named components; the model's output is the sum of their effects and a number drawn for each mask.

    Parameters
    ----------
    effects : ndarray of shape (d,)
    noise : float
        The standard deviation of the drawn numbers.
    """

    def __init__(self, effects, noise):
        self.names = [f"part {number}" for number in range(len(effects))]
        self.effects, self.noise = effects, noise

    def compose(self, masks):
        return masks

    def answer(self, masks):
        """The model's answers; equal masks have equal ones."""
        masks = np.ascontiguousarray(masks, dtype=np.uint8)
        digests = [hashlib.blake2b(mask.tobytes(), digest_size=8).digest() for mask in masks]
        drawn = np.array([int.from_bytes(digest, "little") for digest in digests]) / 2.0**64
        return masks @ self.effects + self.noise * ndtri(np.clip(drawn, 1e-12, 1 - 1e-12))

    def limit(self, components, kernel_width):
        """The weights that a surrogate of these components tends to: all components are alike, so that two numbers say it."""
        d = len(self.effects)
        present = np.arange(d + 1)
        law = binom.pmf(present, d, 0.5) * np.exp(-0.5 * ((1 - np.sqrt(present / d)) / kernel_width) ** 2)
        law /= law.sum()
        mean = law @ present / d
        variance, covariance = mean - mean**2, law @ (present * (present - 1)) / (d * (d - 1)) - mean**2
        among_all = np.full((d, d), covariance) + (variance - covariance) * np.eye(d)
        listed = np.ix_(components, components)
        return np.linalg.solve(among_all[listed], among_all[list(components)] @ self.effects)


def plant(d, num_effects, seed, noise=0.3):
    """A model in which some of d components have effects, from a seed."""
    generator = np.random.default_rng(seed)
    effects = np.zeros(d)
    effects[generator.permutation(d)[:num_effects]] = generator.normal(size=num_effects)
    return Planted(effects, noise)
