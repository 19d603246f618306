"""`arien-flows vendors`: who sells on markets, and the wallets behind."""

import click

from arien_flows.cli.session import session_options
from arien_flows.cli.vendor_profile import profile_command


@click.group()
@session_options
def vendors() -> None:
    """Vendors: accounts in documents, and what the chain shows of wallets."""


vendors.add_command(profile_command)
