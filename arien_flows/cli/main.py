"""The entry point: the list of commands, and what an error looks like from outside.

An expected error is one line on standard error that says what to do, and an exit code: 0 done,
2 usage or bad input, 3 some items of a batch failed, 4 a source is unusable, 1 anything else.
An unexpected one is a bug; it is one line too, which says how to see the traceback.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

import click

from arien_flows.cli.lazy import Entry, LazyGroup
from arien_flows.cli.session import session_options
from arien_flows.failures import failure_of

COMMANDS = {
    "demo": Entry(
        module="arien_flows.cli.demo",
        attribute="demo",
        summary="Make the sample investigation and serve it.",
    ),
    "ledger": Entry(
        module="arien_flows.cli.ledger",
        attribute="ledger",
        summary="Fill, check and move the ledger of a network.",
    ),
    "cluster": Entry(
        module="arien_flows.cli.cluster",
        attribute="cluster",
        summary="Join addresses of one owner into entities.",
    ),
    "heuristics": Entry(
        module="arien_flows.cli.heuristics",
        attribute="heuristics",
        summary="The rules, with what they assume and when they fail.",
    ),
    "address": Entry(
        module="arien_flows.cli.address",
        attribute="address",
        summary="Summarise an address.",
    ),
    "tx": Entry(
        module="arien_flows.cli.tx",
        attribute="tx",
        summary="Show a transaction with its flags.",
    ),
    "entity": Entry(
        module="arien_flows.cli.entity",
        attribute="entity",
        summary="Show the entity that an address belongs to.",
    ),
    "why": Entry(
        module="arien_flows.cli.why",
        attribute="why",
        summary="Show the transactions and rules that join two addresses.",
    ),
    "peel": Entry(
        module="arien_flows.cli.peel",
        attribute="peel",
        summary="Follow a peel chain, and list what was peeled off.",
    ),
    "roles": Entry(
        module="arien_flows.cli.roles",
        attribute="roles",
        summary="Show what kind of service an address and its entity look like.",
    ),
    "trace": Entry(
        module="arien_flows.cli.trace",
        attribute="trace",
        summary="Follow money forward or backward.",
    ),
    "neighbours": Entry(
        module="arien_flows.cli.neighbours",
        attribute="neighbours",
        summary="List who paid an address, or whom it paid, with what moved in sum.",
    ),
    "next": Entry(
        module="arien_flows.cli.next",
        attribute="next_command",
        summary="Rank the accounts around one: what to look at next.",
    ),
    "taint": Entry(
        module="arien_flows.cli.taint",
        attribute="taint",
        summary="Taint many sources through to the tip, in one pass over the ledger.",
    ),
    "exposure": Entry(
        module="arien_flows.cli.exposure",
        attribute="exposure",
        summary="Show whose money somebody received, and who received theirs.",
    ),
    "flows": Entry(
        module="arien_flows.cli.flows",
        attribute="flows",
        summary="Show what named owners of one category paid to named owners of another.",
    ),
    "risk": Entry(
        module="arien_flows.cli.risk",
        attribute="risk",
        summary="Score the risk of an address, or of entity:ADDRESS, with reasons.",
    ),
    "batch": Entry(
        module="arien_flows.cli.batch",
        attribute="batch",
        summary="Answer each row of a table of addresses.",
    ),
    "replay": Entry(
        module="arien_flows.cli.replay",
        attribute="replay",
        summary="Make an answer again and say whether it is the same.",
    ),
    "path": Entry(
        module="arien_flows.cli.path",
        attribute="path",
        summary="Find the connections over which money can have gone from one end to another.",
    ),
    "vendors": Entry(
        module="arien_flows.cli.vendors",
        attribute="vendors",
        summary="Vendors: accounts in documents, and what the chain shows of wallets.",
    ),
    "tags": Entry(
        module="arien_flows.cli.tags",
        attribute="tags",
        summary="What sources say of addresses: import, look up, review, export, withdraw.",
    ),
    "listings": Entry(
        module="arien_flows.cli.listings",
        attribute="listings",
        summary="Collected documents: import, look at, list, show, withdraw.",
    ),
    "case": Entry(
        module="arien_flows.cli.case",
        attribute="case",
        summary="Cases: make, fill, look at, erase.",
    ),
    "prices": Entry(
        module="arien_flows.cli.prices",
        attribute="prices",
        summary="What coins were worth: import price tables, look up, withdraw.",
    ),
    "watch": Entry(
        module="arien_flows.cli.watch",
        attribute="watch",
        summary="Watch addresses: add, list, look for news.",
    ),
    "evidence": Entry(
        module="arien_flows.cli.evidence",
        attribute="evidence",
        summary="The chain of evidence: check it, list it, print its head.",
    ),
    "audit": Entry(
        module="arien_flows.cli.audit",
        attribute="audit",
        summary="The audit log of the service: check it, export it, print its head.",
    ),
    "casebook": Entry(
        module="arien_flows.cli.casebook",
        attribute="casebook",
        summary="The casebook: where it is, its tables, and backups of it.",
    ),
    "keys": Entry(
        module="arien_flows.cli.keys",
        attribute="keys",
        summary="Keys of people and programs: make, list, revoke.",
    ),
    "people": Entry(
        module="arien_flows.cli.people",
        attribute="people",
        summary="Accounts of people and programs: make, list, disable.",
    ),
    "serve": Entry(
        module="arien_flows.cli.serve",
        attribute="serve",
        summary="Serve the ledgers on this machine: HTTP API and start page.",
    ),
    "worker": Entry(
        module="arien_flows.cli.worker",
        attribute="worker",
        summary="Do the jobs of the service: long traces, batches, watches, deliveries.",
    ),
    "doctor": Entry(
        module="arien_flows.cli.doctor",
        attribute="doctor",
        summary="Check the installation and the data folder.",
    ),
}
"""Every command, in the order in which `--help` lists them."""


def _show_version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"arien-flows {version('arien-flows')}")
        context.exit()


@click.command(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Print the version and stop.",
)
@session_options
def program() -> None:
    """Trace cryptocurrency flows exactly, explain every step, and repeat it offline."""


def main() -> None:
    """Run the program with the arguments of the process, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    try:
        result = program.main(list(arguments), prog_name="arien-flows", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone. Python would complain once more when it flushes
        # at exit, so standard output is pointed at nothing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("Stopped. What was committed is kept.", err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except Exception as error:  # noqa: BLE001 the outer edge: nothing may pass it unexplained
        # The settings themselves may be at fault, so they are not asked.
        debug = "--debug" in arguments or os.environ.get("ARIEN_DEBUG") in ("1", "true")
        return _explain(error, debug=debug)
    return result if isinstance(result, int) else 0


def _explain(error: Exception, *, debug: bool) -> int:
    """Write one line about an error to standard error; return the exit code it means."""
    failure = failure_of(error)
    if debug:
        traceback.print_exception(error)
    if failure is not None:
        click.echo(f"Error: {failure.detail}", err=True)
        return failure.exit_code
    hint = "" if debug else "; run again with --debug for the traceback, and report it"
    click.echo(
        f"Error: this is a bug ({type(error).__name__}: {' '.join(str(error).split())}){hint}",
        err=True,
    )
    return 1
