"""Real libraries that use lime, run unmodified with lime and with limelight.compat, and what both give compared."""
