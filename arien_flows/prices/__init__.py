"""Prices: what sources say a coin was worth, and exact values at the time of a transaction."""
