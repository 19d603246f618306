"""What is of interest, as people write it, in canonical text."""

from arien_flows.attribution.subjects import (
    SubjectError,
    canonical_address,
    canonical_transaction,
)
from arien_flows.casebook.case_records import Subject, SubjectKind
from arien_flows.errors import InputError
from chains.errors import AddressError
from chains.networks import any_network


def subject_named(kind: SubjectKind, network: str, text: str) -> Subject:
    """Return what is meant; `InputError` where the text is no such thing on the network.

    `UnknownNetworkError` where there is no such network.
    """
    name = any_network(network).name
    make = canonical_transaction if kind is SubjectKind.TRANSACTION else canonical_address
    try:
        return Subject(kind=kind, network=name, text=make(text, name))
    except (AddressError, SubjectError) as error:
        what = "transaction" if kind is SubjectKind.TRANSACTION else "address"
        raise InputError(f"{text[:100]!r} is no {what} of {name}: {error}") from error
