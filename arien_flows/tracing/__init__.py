"""Tracing: where tainted value goes or comes from, under a named policy, to the unit."""
