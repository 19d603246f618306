"""Risk: a score that is explained to the last point, with an interval and what is unknown."""
