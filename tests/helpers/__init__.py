"""What several test files need; none of it is a test."""
