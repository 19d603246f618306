"""Passages: where money changes its asset, its chain, or goes through a mixer."""
