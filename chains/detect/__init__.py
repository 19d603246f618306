"""Addresses of chains that this program does not read: recognised, checked, and no more."""
