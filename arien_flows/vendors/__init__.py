"""Vendors: their accounts, their keys, what links two accounts, and their traces on the chain."""
