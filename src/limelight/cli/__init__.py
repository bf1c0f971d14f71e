"""The command line: one file for the commands, one for ``explain``, and what both need."""
