"""Making an answer again from its manifest, and saying whether it is the same."""
