"""The steps of the pipeline. A file may use those that are above it in this list:

components          what can be on or off in an instance, and a neighbourhood of it
kernel_law          what is known of masks beforehand, in closed form
perturbation        which perturbations to ask about
prediction          what to ask the model, each distinct input once
prediction_batches  asking it in batches
prediction_outputs  what its outputs are, and which are explained
proximity           from distances to weights
sample              what was asked and answered, as weighted Gram matrices
selection           which components are reported
surrogate           the weighted linear model, its error and its fidelity
"""
