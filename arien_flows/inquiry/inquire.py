"""Answering a question from a source: fetch what it needs, and see that the chain held still."""

from collections.abc import Callable
from typing import ClassVar, Protocol, TypeVar

from arien_flows.errors import StaleSnapshotError, UnfinishedError
from arien_flows.fetched.archive import Archive
from arien_flows.fetched.checking import ContradictionError
from arien_flows.fetched.conversation import Conversation
from arien_flows.fetched.fetcher import Fetcher
from arien_flows.inquiry.gathering import Gathering, Report
from arien_flows.inquiry.readings import Tags, reading_of
from arien_flows.inquiry.recorded import recorded
from arien_flows.workspace import Reading
from chains.bitcoin.networks import Network
from chains.errors import ChainChangedError, RequestBudgetError, SourceUnavailableError
from chains.source import LookupSource

ATTEMPTS = 3
"""How often a question is asked anew because the chain changed meanwhile."""

Answer = TypeVar("Answer")


class Question(Protocol):
    """Something that is asked of a source."""

    is_repeatable: ClassVar[bool]
    """Whether the answer has a manifest, by which it can be made again without the source."""

    def check(self, network: Network, /) -> None:
        """Refuse, before anything is asked, what cannot be of the network."""

    def gather(self, gathering: Gathering, tags: Tags) -> None:
        """Fetch what the answer needs; stop anywhere where the requests run out."""


def inquire(
    question: Question,
    answer: Callable[[Reading], Answer],
    source: LookupSource,
    archive: Archive,
    conversation: Conversation,
    *,
    tags: Tags,
    report: Report = lambda _transactions, _requests: None,
) -> Answer:
    """Return the answer to a question, as of the source's last block.

    The source must record into `conversation`, and that into `archive`.

    Raises
    ------
    SourceUnavailableError
        The source is of no use (any more). What it answered before is kept.
    StaleSnapshotError
        Its chain was reorganised while it was asked, several times over.
    UnfinishedError
        The requests ran out before there was anything that could be said.
    """
    try:
        for _ in range(ATTEMPTS):
            fetcher = Fetcher(source, archive, conversation)
            made = conversation.made
            try:
                reading = _gathered(question, Gathering(fetcher, source.network, report), tags)
                if question.is_repeatable:
                    reading = recorded(reading, fetcher, archive)
                found = answer(reading)
            except (ContradictionError, ChainChangedError):
                # Answers from before and after a reorganisation may exclude each other.
                if fetcher.is_current():
                    raise
                continue
            if conversation.made == made or fetcher.is_current():
                return found
    except SourceUnavailableError as error:
        raise SourceUnavailableError(
            f"{error}; what was fetched is kept, and the same command goes on from there"
        ) from error
    except RequestBudgetError as error:
        raise UnfinishedError(
            f"{conversation.budget:,} requests did not suffice to see where the source's chain "
            "ends, and that it held still: run the same command again, or allow more with "
            "--requests"
        ) from error
    except ChainChangedError as error:
        raise StaleSnapshotError(f"{error}: ask again") from error
    raise StaleSnapshotError(
        "the source's chain was reorganised while it was asked, several times over: ask again"
    )


def _gathered(question: Question, gathering: Gathering, tags: Tags) -> Reading:
    try:
        question.gather(gathering, tags)
    except RequestBudgetError:
        return reading_of(gathering, tags, is_exhausted=True)
    return reading_of(gathering, tags)
