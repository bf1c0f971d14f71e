"""Texts: the components are words, or other pieces of the text, and a perturbation is the text without some of them."""
