"""The steps of the pipeline. A file may use those that are above it in this list:

design              what a design of perturbations is
components          what can be on or off in an instance, and a neighbourhood of it
designs             independent draws, Sobol points, complementary pairs, enumeration
orthogonal_arrays   the design for masks whose parts are absent with probability 1/2
kernel_law          what is known of masks beforehand, in closed form
perturbation        which stretches of a design to ask about, one after the other
prediction          what to ask the model: each distinct input once
prediction_batches  asking it in batches
prediction_outputs  what its outputs are, and which are explained
proximity           from distances to weights
sample              what was asked and answered, as weighted Gram matrices
selection           which components are reported
full_fit            moments of the components and outputs, sampled or projected
surrogate           the weighted linear model, its error and its fidelity
"""
