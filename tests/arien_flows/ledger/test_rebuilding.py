"""The writer's memory from columns on disk; `test_resident` compares it with what was followed."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arien_flows.ledger import rebuilding as module
from arien_flows.ledger.ledger import Ledger
from arien_flows.ledger.rebuilding import rebuild_revealed, rebuild_unspent
from arien_flows.ledger.schema import NO_ADDRESS
from arien_flows.ledger.unspent_table import HIGH_BITS, PLACE, output_in
from chains.tables import RevealKind
from tests.arien_flows.ledger.chains import random_chain
from tests.arien_flows.ledger.stores import fill


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), step=st.integers(1, 20))
def test_rebuild__agrees_with_the_columns_whatever_the_steps(
    tmp_path_factory: pytest.TempPathFactory, seed: int, step: int
) -> None:
    root: Path = tmp_path_factory.mktemp("ledger")
    fill(root, [random_chain(Random(seed), 10).blocks])
    view = Ledger(root).view()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "STEP", step)
        table, bits = rebuild_unspent(view), rebuild_revealed(view)

    taken = table.slots[table.slots[:, PLACE] != 0]
    found = {
        output_in(taken, row): (
            int(taken[row, 1] >> HIGH_BITS),
            int(taken[row, PLACE] & 0xFFFF_FFFF) - 1,
        )
        for row in range(len(taken))
    }
    assert found == {
        output: (int(view.output_value[output]), int(view.output_address[output]))
        for output in range(view.counts.outputs)
        if view.spenders(np.array([output]))[0] < 0 and view.output_address[output] != NO_ADDRESS
    }
    assert table.count == len(found)
    shown = {
        int(view.input_address[row])
        for row, kind in zip(view.reveal_input, view.reveal_kind, strict=True)
        if kind != RevealKind.TAP_LEAF
    }
    assert set(np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist()) == shown
