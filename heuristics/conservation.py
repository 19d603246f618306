"""The error that says that this program miscounted."""


class ConservationError(RuntimeError):
    """The amounts of a trace do not add up: a bug in this program, never bad input."""
