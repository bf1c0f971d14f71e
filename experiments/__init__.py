"""The experiments of LIME's paper (Ribeiro, Singh and Guestrin, KDD 2016, section 5) with limelight: ``python -m experiments``.

Explanations by limelight, by lime 0.2.0.1 and by the paper's baselines are judged in one run, on reviews of books or of
anything else in the same format. The protocols are the paper's; where its text leaves something open, they follow the program
that its authors published (github.com/marcotcr/lime-experiments).
"""
