"""Tests of `arien_flows.audit`."""
