"""A page about all explanations of a set."""
