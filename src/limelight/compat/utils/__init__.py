"""lime's folder of this name."""
