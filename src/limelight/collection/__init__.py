"""Explanations of many instances: a sequence, in memory or in files, and what all of them say."""
