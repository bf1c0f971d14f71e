"""lime's own modules and names, on limelight's pipeline: programs written for lime 0.2.0.1 run as they are.

Import from here what was imported from ``lime``, or let `limelight.install_as_lime` do it for a whole program, or run an
unmodified program with ``python -m limelight.compat program.py`` or ``python -m limelight.compat -m module``.

Signatures, defaults, attributes and the meaning of every number are lime's; docs/migrating.md lists what is not. Perturbations
come from limelight's designs and exact closed forms. Where a program replaces a piece of lime's (a subclass's sampling, its
own kernel function, its own `LimeBase`), and only there, lime's own way is gone: independent draws, and the program's piece
called as lime calls it.

Examples
--------
>>> from limelight.compat.lime_text import LimeTextExplainer
>>> explainer = LimeTextExplainer(class_names=["ham", "spam"], random_state=0)
>>> import numpy as np
>>> def model(texts):
...     spam = np.array([0.1 + 0.6 * ("pills" in text) for text in texts])
...     return np.column_stack([1 - spam, spam])
>>> explanation = explainer.explain_instance("cheap pills for you", model, num_features=1)
>>> [(word, round(weight, 2)) for word, weight in explanation.as_list()]
[('pills', 0.6)]
"""

__all__ = ["__version__"]

__version__ = "0.2.0.1"
"""The version of lime whose behaviour is promised."""
