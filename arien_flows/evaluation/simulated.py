"""A simulated chain as the program reads it, with the truth in the ledger's own numbers.

The chain is written as block files and read back like any other; nothing is taken over from the
simulation but the truth. Transactions and outputs stand in the ledger as in the truth, behind
those of the genesis block, so addresses are matched by the outputs that pay them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from arien_flows.errors import InputError
from arien_flows.evaluation.judging import UNKNOWN, KnownOwners
from arien_flows.ledger.ingest import ingest
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.view import View
from arien_flows.ledger.writer import LedgerWriter
from arien_flows.simulation.errors import SimulationError
from arien_flows.simulation.parameters import SPAN_SECONDS, Parameters
from arien_flows.simulation.roles import Kind
from arien_flows.simulation.simulate import simulate
from arien_flows.simulation.truth import Truth
from chains.bitcoin.blockfiles import BlockFiles
from chains.bitcoin.networks import REGTEST
from chains.types import Int64Array

LAG_SECONDS = 7 * 86_400
"""After how long a decision is made: 1,008 blocks of the main network."""


@dataclass(frozen=True, kw_only=True)
class SimulatedChain:
    """A simulated chain and what is true of it."""

    parameters: Parameters
    view: View
    truth: Truth

    @property
    def decision_lag(self) -> int:
        """Return the blocks that pass in a week of this chain, at least one."""
        return max(1, self.parameters.tip_height * LAG_SECONDS // SPAN_SECONDS)

    @cached_property
    def kinds(self) -> Int64Array:
        """The `Kind` of each transaction of the ledger; genesis is a coinbase."""
        return np.concatenate([[Kind.COINBASE], self.truth.transactions["kind"]]).astype(np.int64)

    @cached_property
    def owners(self) -> KnownOwners:
        """Who owns each address of the ledger."""
        genesis = int(self.view.first_output[1])
        number = self.truth.outputs["address"].to_numpy()
        paid = number >= 0
        owner = np.full(self.view.counts.addresses, UNKNOWN, dtype=np.int64)
        mine = self.view.output_address[genesis:][paid]
        owner[mine] = self.truth.addresses["owner"].to_numpy()[number[paid]]
        return KnownOwners(view=self.view, of_address=owner)

    def check(self) -> None:
        """Raise AssertionError unless ledger and truth hold the same transactions."""
        if not np.array_equal(self.view.txid[1:], self.truth.txids()):
            raise AssertionError("the ledger and the truth of the simulation differ")


@contextmanager
def simulated_chain(parameters: Parameters) -> Iterator[SimulatedChain]:
    """Make a chain and its ledger in a temporary folder, which goes when the context ends.

    Raises InputError where the parameters cannot be played.
    """
    with TemporaryDirectory(prefix="arien-flows-evaluate-") as name:
        folder = Path(name)
        try:
            simulate(parameters, folder / "chain")
        except SimulationError as error:
            raise InputError(str(error)) from error
        truth = Truth(folder / "chain")
        with LedgerWriter(folder / "ledger", REGTEST) as writer:
            ingest(writer, BlockFiles(truth.blocks, REGTEST))
        view = Ledger(folder / "ledger").view()
        chain = SimulatedChain(parameters=parameters, view=view, truth=truth)
        chain.check()
        yield chain
