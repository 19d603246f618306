"""What stands in documents: their text, the addresses in it, and in what role each stands."""
