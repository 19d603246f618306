"""Entities: which addresses one owner controls, by which rule, and why."""
