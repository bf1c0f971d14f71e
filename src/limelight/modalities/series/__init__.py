"""Time series: segments are the components, and absent ones show a filling."""
