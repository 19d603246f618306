"""How often rules were wrong, as text for people."""

from collections.abc import Mapping


def error_rate_lines(
    rates: Mapping[str, str], heading: str = "How often these rules were wrong:"
) -> list[str]:
    """Return what is known of the errors of rules, a line for each."""
    if not rates:
        return []
    return [*(["", heading] if heading else []), *(f"  {rule}: {rates[rule]}" for rule in rates)]
