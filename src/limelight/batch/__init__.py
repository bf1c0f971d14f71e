"""How many instances are explained: read in chunks, explained by an engine, kept as they are finished."""
