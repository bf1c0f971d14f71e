"""limelight beside lime 0.2.0.1, in one run on one machine: ``python -m benchmarks``.

Both sides explain the same predictions of the same models, in turn, with one thread; what is compared is CPU time, outside
the model where the model's own time would hide the difference, and the error of the weights at equal numbers of model inputs.
"""
