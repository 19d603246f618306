"""`arien-flows risk`: a score, and every word of its explanation."""

from pathlib import Path

import click

from arien_flows.cli.session import profile_option, session_of, session_options


@click.command()
@session_options
@profile_option
@click.argument("subject")
@click.option("--explain", is_flag=True, help="Explain every point in full sentences.")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Severities, weights and bands of your own; see risk/policies/standard_1.toml.",
)
@click.option(
    "--budget",
    type=click.IntRange(1),
    default=2_000_000,
    show_default=True,
    metavar="N",
    help="Transactions that the exposure in one direction may go through.",
)
@click.option(
    "--asset",
    metavar="NAME",
    help="On Ethereum: ETH (the default), a listed token's symbol, or a token's contract.",
)
@click.option(
    "--as-of",
    type=click.IntRange(0),
    metavar="HEIGHT",
    help="Answer as if this block were the ledger's last; tags are today's.",
)
@click.pass_context
def risk(
    context: click.Context,
    profile: str,
    subject: str,
    explain: bool,
    policy: Path | None,
    budget: int,
    asset: str | None,
    as_of: int | None,
) -> None:
    """Score the risk of an address, or of entity:ADDRESS, with reasons.

    The score puts cases in order and is no finding. Every point names what it rests on; what is
    not known is told and adds nothing.
    """
    from functools import partial

    from arien_flows.answers.risk import risk_answer
    from arien_flows.cli.asking import asked, refuse_account_options
    from arien_flows.cli.asking_accounts import on_accounts
    from arien_flows.cli.output import emit
    from arien_flows.cli.risk_texts import risk_lines
    from arien_flows.risk.policy import policy_in

    session = session_of(context)
    if on_accounts(session):
        from arien_flows.cli.account_exposure import show_account_risk

        show_account_risk(
            session, subject, asset,
            policy=policy, budget=budget, profile=profile, as_of=as_of, explain=explain,
        )  # fmt: skip
        return
    refuse_account_options(asset=asset is not None)
    used = None if policy is None else policy_in(policy)
    answer = asked(
        session,
        lambda it: risk_answer(it, subject, policy=used, budget=budget),
        profile=profile,
        height=as_of,
    )
    emit(session, answer, partial(risk_lines, in_full=explain))
