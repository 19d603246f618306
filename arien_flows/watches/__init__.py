"""Watches: whose movements somebody wants to hear of, and what was found of them."""
