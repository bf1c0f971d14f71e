"""The steps of the pipeline. A file may use those that are above it in this list:

design              what a design of perturbations is
product_law         LIME's law of columns that are drawn independently, weighted by the kernel
prior               what is believed of weights before the model is asked
limit               the exact moments of components and outputs, where law and model have them
cells               into which conditions divide the values of columns
expansion           the sigmoid of a sum, expanded around the sum's additive part
grouped_leaves      leaves' conditions where several columns make up one component
leaf_sum            trees and the like as a sum over leaves
linear_sum          linear models as a sum over columns
joined_sum          the sum of several of these
learned_trees       small boosted trees, learned from answers, as such a sum
table_columns       which values are drawn of a table's columns, and how a model gets rows
components          what can be on or off in an instance, and a neighbourhood of it
contract            what a modality must keep: its class, and the components that it finds
sobol               scrambled Sobol points
designs             independent draws, Sobol points, complementary pairs, enumeration
orthogonal_arrays   the design for masks whose parts are absent with probability 1/2
kernel_law          the exact moments of masks under the law and the kernel, in closed form
perturbation        which stretches of a design to ask about, one after the other
answer_advice       how to make numbers of answers that are none
answers             a model's raw answer, in whatever form it comes, as numbers with names
questions           what a run asks of the model
answer_check        whether its answers belong to its inputs
prediction          what to ask the model: each distinct input once
prediction_batches  asking the model in batches
output_names        what the model's outputs are called
prediction_outputs  what the model's outputs are, which of them are explained, and what they decide
removal             what the model says of the instance without some components
faithfulness        whether the model does what an explanation says
proximity           from distances to kernel weights
closed_form         that limit, once the model's own answers have proven it
control_variate     functions of the rows with exact moments, where the model is a function of a known sum
learned_control     such functions for a black box: trees learned from its answers
known_moments       which of these an explanation has, if any
curve_products      weighted products with curves of predictors
wide_rows           rows that are fewer than their components, and regressions on them
pair_products       weighted products of masks in complementary pairs
weighted_rows       rows with weights, as plain data, and their weighted products
sample              the perturbations with their predictions, as weighted Gram matrices
locality            what a kernel leaves of LIME's law, and the width that stays near the instance
vicinity            where the perturbations of one instance lie: the kernel, and what they are drawn from
selection           which components are reported
selected_intervals  intervals of weights that were chosen because they are the heaviest
certainty           how certain a list of the heaviest components is
settings            how surrogates are fitted
moments             means and covariances of components and outputs, as sampled or in the limit
full_fit            the same from a fit of all components, with exact moments of the masks
sparse_fit          the same from sparse fits, for fewer than two rows a component
controlled_moments  the same from a fit of all components and of control variates
regressions         on the chosen components, of all rows and without each replicate
held_out            fidelity of surrogates chosen and fitted without the rows they are held against
sources             where the moments that surrogates are fitted to come from
surrogate           the weighted linear model, its intervals and its fidelity
telling_rows        whether intervals rest on enough perturbations
convergence         whether perturbations are enough: weights within the tolerance, or a certain list
width_search        the width whose surrogate reaches a wanted fidelity
plain_surrogates    what an explanation keeps of its surrogates
agreement           whether the surrogate agrees with the model about the instance itself
missing_effect      what missing values change where no weight says so
chance              which components may have been chosen by chance
prior_effect        what a reader should know where a prior was used
bins_cost           what a list of bins misses of an output, and why
remedies            other settings, tried on the same perturbations
notice_words        words that several notices share
surrogate_notices   what a reader should know about one label's surrogate
precision_notices   what a reader should know about uncertain weights and lists
notices             what a reader should know before trusting it
"""
