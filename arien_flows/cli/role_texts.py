"""Roles as text for people."""

from collections.abc import Iterable

from arien_flows.answers.roles import CheckAnswer, RoleAnswer, RolesAnswer, SubjectFeatures
from arien_flows.cli.output import NOTHING, closing, pairs, table


def roles_lines(answer: RolesAnswer, *, with_features: bool) -> Iterable[str]:
    """Return the roles: those that hold and the undecided with all checks, of others what fails."""
    yield from pairs(
        (
            ("Address", answer.address),
            ("Entity", f"{answer.entity} (inferred by profile {answer.profile})"),
            ("Network", answer.network),
            ("Policy", f"{answer.policy} ({answer.policy_sha256})"),
            ("Roles", _roles(answer)),
            *(("Read", _read(each)) for each in answer.measured),
        )
    )
    for role in answer.roles:
        if role.verdict != "fails":
            yield from ("", *_in_full(role))
    failing = [role for role in answer.roles if role.verdict == "fails"]
    if failing:
        yield from ("", *_in_short(failing))
    if with_features:
        yield from _features(answer)
    yield from closing(answer)


def _roles(answer: RolesAnswer) -> str:
    """Return the roles that hold, and how many may hold for all that is known."""
    undecided = sum(role.verdict == "undecided" for role in answer.roles)
    held = ", ".join(answer.matching) or "none holds"
    return f"{held}; {undecided} undecided" if undecided else held


def _read(measured: SubjectFeatures) -> str:
    return (
        f"of the {measured.subject}: addresses {measured.addresses_read:,}, "
        f"transactions {measured.transactions_read:,}, "
        f"CoinJoins left out {measured.coinjoins_left_out:,}"
    )


def _in_full(role: RoleAnswer) -> Iterable[str]:
    yield f"{role.name} (of the {role.subject}) {role.verdict}: {role.summary}"
    yield from pairs(
        (
            ("  assumes", role.assumes),
            ("  fails when", role.fails_when),
            ("  source", role.source),
            ("  error rate", role.error_rate),
        )
    )
    yield from (f"  {line}" for line in _checks(role.checks))


def _checks(checks: Iterable[CheckAnswer]) -> list[str]:
    return table(
        ("Check", "Found", "Asked", "Of", "Meaning"),
        (
            (
                f"{check.verdict} {check.feature}",
                check.value or NOTHING,
                _asked(check),
                f"{check.observations:,}",
                check.meaning,
            )
            for check in checks
        ),
    )


def _asked(check: CheckAnswer) -> str:
    asked = f"{check.comparison.replace('_', ' ')} {check.threshold}"
    return f"{asked}, of {check.least_observations}" if check.least_observations else asked


def _in_short(roles: list[RoleAnswer]) -> list[str]:
    return table(
        ("Other roles", "Of the", "Fail because"),
        (
            (
                role.name,
                role.subject,
                "; ".join(
                    f"{check.feature} is {check.value}, {_asked(check)} is asked"
                    for check in role.checks
                    if check.verdict == "fails"
                ),
            )
            for role in roles
        ),
    )


def _features(answer: RolesAnswer) -> Iterable[str]:
    for measured in answer.measured:
        yield ""
        yield from table(
            (f"Feature of the {measured.subject}", "Value", "Of", "Meaning"),
            (
                (each.name, each.value or NOTHING, f"{each.observations:,}", each.meaning)
                for each in measured.features
            ),
        )
