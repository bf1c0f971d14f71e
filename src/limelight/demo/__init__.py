"""The demonstration: real models on real data, a few predictions explained, each written as a page."""
