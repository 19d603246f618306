"""The entity of an address, found by asking: who spent together with it, and with those, and so on.

An address joins its entity through a transaction that both spend in, or through a script that the
same key opens. So the whole history of every member is fetched, the fetched transactions are
clustered, and new members are asked about in turn until there is none, or the requests run out.
Then come scripts that members' keys open and that nobody has seen yet: the other standard forms of
the same key. Tags that keep owners apart are heeded on the way, as in the answer itself: nobody is
asked about the addresses of another owner. What is found in the end is what a whole ledger joins,
with two exceptions: a bare public key that was paid while no member has shown the key yet, and
scripts that were revealed in transactions of others.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from arien_flows.entities.constraints import Constraints
from arien_flows.inquiry.gathering import Gathering
from arien_flows.inquiry.readings import Tags, cluster
from arien_flows.inquiry.scripts import numbers_of, read_script
from arien_flows.ledger.locks import key_hash_of
from arien_flows.ledger.view import View
from chains.bitcoin.hashing import hash160
from chains.bitcoin.script import script_of
from chains.tables import RevealKind, ScriptType
from chains.types import UInt32Array


def take_entity(gathering: Gathering, scripts: Iterable[bytes], tags: Tags) -> None:
    """Fetch the histories of all addresses of the entities that hold the scripts."""
    starts = list(scripts)
    gathering.entity_of.extend(starts)
    gathering.take_histories(starts)
    while True:
        view = gathering.gathered().view
        members = _members(view, starts, tags(view).constraints)
        new = [
            script
            for script in (script_of(*view.lock(int(each))) for each in members)
            if not gathering.has_asked(script)
        ]
        if not new:
            new = [each for each in _other_forms(view, members) if not gathering.has_asked(each)]
        if not new:
            return
        gathering.take_histories(new)


def _members(view: View, scripts: Iterable[bytes], owners: Constraints) -> UInt32Array:
    clustering = cluster(view, owners)
    roots = sorted({clustering.root_of(number) for number in numbers_of(view, scripts)})
    return np.concatenate([np.empty(0, np.uint32), *(clustering.members(root) for root in roots)])


def _other_forms(view: View, members: UInt32Array) -> Iterator[bytes]:
    """Yield the standard scripts that the members' keys open, whether used or not."""
    hashes: dict[bytes, None] = {}
    for member in members.tolist():
        key_hash = key_hash_of(*view.lock(member))
        if key_hash is not None:
            hashes[key_hash] = None
    shown = np.flatnonzero(np.isin(view.input_address[view.reveal_input], members))
    for row in shown.tolist():
        revealed = view.revealed[view.first_reveal_byte[row] : view.first_reveal_byte[row + 1]]
        content = revealed.tobytes()
        if view.reveal_kind[row] == RevealKind.KEY:
            hashes[hash160(content)] = None
            yield script_of(ScriptType.P2PK, content)
        elif read_script(content)[0] == ScriptType.P2WPKH:
            hashes[read_script(content)[1]] = None
    for key_hash in hashes:
        nested = script_of(ScriptType.P2WPKH, key_hash)
        yield nested
        yield script_of(ScriptType.P2PKH, key_hash)
        yield script_of(ScriptType.P2SH, hash160(nested))
