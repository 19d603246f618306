"""`arien-flows worker`: do the jobs of the service, in a process of its own."""

import click

from arien_flows.cli.session import session_of, session_options


@click.command()
@session_options
@click.option(
    "--once",
    is_flag=True,
    help="Do what waits and is due, and end; for a timer instead of a service.",
)
@click.pass_context
def worker(context: click.Context, once: bool) -> None:
    """Do the jobs of the service: long traces, batches, watches, deliveries.

    `serve` runs one beside itself. Several may run, on one machine or on several that share the
    data folder and the casebook's server. Told to stop (Ctrl-C, SIGTERM), a worker lets its job go
    on for ARIEN_GRACE_SECONDS, and then puts it back for another one.
    """
    from arien_flows.worker.running import make_worker, run_to_end, worker_name

    settings = session_of(context).settings
    name = worker_name()
    worker = make_worker(settings, name)
    if once:
        count = worker.run_waiting()
        click.echo(f"Jobs done: {count:,}", err=True)
        return
    click.echo(f"Worker {name} of {settings.data} (Ctrl-C ends it)", err=True)
    run_to_end(worker)
