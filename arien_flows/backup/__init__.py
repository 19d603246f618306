"""Everything that cannot be rebuilt from a chain, in one file, and back."""
