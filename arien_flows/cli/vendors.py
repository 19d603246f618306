"""`arien-flows vendors`: who sells on markets, and the wallets behind."""

import click

from arien_flows.cli.session import session_options
from arien_flows.cli.vendor_accounts import list_command, show_command, why_command
from arien_flows.cli.vendor_profile import profile_command


@click.group()
@session_options
def vendors() -> None:
    """Vendors: accounts in documents, and what the chain shows of wallets."""


for command in (list_command, show_command, why_command, profile_command):
    vendors.add_command(command)
