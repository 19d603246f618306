"""Workers on both databases."""

from tests.arien_flows.casebook.conftest import address  # noqa: F401
