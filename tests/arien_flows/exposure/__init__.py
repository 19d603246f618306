"""Exposure over views: subjects, names, limits, answers."""
