"""A ledger that grows and is reorganised while somebody watches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from arien_flows.casebook.engine import reading
from arien_flows.casebook.event_tables import events
from arien_flows.casebook.watch_records import Alert, Watch
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.settings import Settings
from arien_flows.watches.following import follow
from arien_flows.watches.making import WatchWish, wished
from arien_flows.workspace import Workspace
from chains.bitcoin.networks import REGTEST
from tests.arien_flows.ledger.stores import QuickDisk
from tests.ledgers import Chain, Tx, batch_of, text_of_name

COIN = 100_000_000
NETWORK = REGTEST.name


@dataclass(slots=True, kw_only=True)
class Post:
    """Somebody at a ledger of coins, watching."""

    workspace: Workspace
    chain: Chain = field(default_factory=Chain.from_genesis)
    held: int = 0
    """Blocks of the chain that the ledger holds."""

    @property
    def root(self) -> Path:
        return self.workspace.folder(NETWORK)

    def grow(self, *transactions: Tx, salt: int = 0) -> None:
        """Add blocks to the chain and the ledger."""
        self.chain.add(transactions, salt=salt)
        self.take_in()

    def take_in(self) -> None:
        with LedgerWriter(self.root, REGTEST, QuickDisk(self.root)) as writer:
            writer.append(batch_of(self.chain.blocks[self.held :]))
            writer.commit()
        self.held = len(self.chain.blocks)

    def go_back(self, chain: Chain) -> None:
        """Remove the blocks that an earlier state of the chain does not have."""
        with LedgerWriter(self.root, REGTEST, QuickDisk(self.root)) as writer:
            writer.roll_back(len(chain.blocks) - 1)
        self.chain, self.held = chain.copy(), len(chain.blocks)

    def watch(self, *names: str, **wish: object) -> list[Watch]:
        wanted = WatchWish(network=NETWORK, subjects=tuple(map(text_of_name, names)), **wish)
        return self.workspace.casebook.watches.add(
            wished(self.workspace, wanted), owner="ann", case_id=None, now=datetime.now(UTC)
        )

    def follow(self) -> list[Alert]:
        """Look at what is new; return all alerts, the oldest block first."""
        follow(self.workspace, datetime.now(UTC))
        return self.alerts()

    def alerts(self) -> list[Alert]:
        found = self.workspace.casebook.watches.alerts(
            owner=None, cases=None, watch_id=None, before=None, limit=1000
        )
        return sorted(found, key=lambda it: (it.height, it.txid, it.watch.id))

    def told(self) -> list[tuple[str, str]]:
        """Return kind and subject of the events so far, in order."""
        with reading(self.workspace.casebook._engine) as connection:
            rows = connection.execute(select(events).order_by(events.c.created_at)).all()
            return [(row.kind, row.subject) for row in rows]

    def names(self, alerts: Sequence[Alert]) -> list[str]:
        """Return the names of the transactions that alerts tell of."""
        known = {self.chain.txid(name): name for name in self.chain.transactions}
        return [known[alert.txid] for alert in alerts]


@pytest.fixture
def make_post(tmp_path: Path) -> Iterator[Callable[[], Post]]:
    made: list[Post] = []

    def make() -> Post:
        post = Post(workspace=Workspace(Settings(data=tmp_path)))
        made.append(post)
        return post

    yield make
    for post in made:
        post.workspace.casebook.close()


@pytest.fixture
def post(make_post: Callable[[], Post]) -> Post:
    """Return a post whose ledger holds the genesis block and three that pay alice, bob, carol."""
    post = make_post()
    post.grow(
        *(Tx(name=f"mined-{it}", outputs=[(it, 50 * COIN)]) for it in ("alice", "bob", "carol"))
    )
    return post
