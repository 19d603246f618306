"""Tests of `api.middleware`."""
