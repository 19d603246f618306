"""Accounts at work: from a key, a session or a token to whoever shows it."""
