"""A Bitcoin Core node as a source of blocks."""
