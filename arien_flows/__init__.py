"""Follow the money on public chains: exactly, explained, and repeatable offline."""
