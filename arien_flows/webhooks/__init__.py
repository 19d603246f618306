"""Receivers of events: who is told what, where it may be sent, and how it is signed."""
