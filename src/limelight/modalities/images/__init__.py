"""Images: superpixels are the components, and absent ones show a filling."""
