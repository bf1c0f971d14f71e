"""What the interpretable components of each kind of instance are."""
