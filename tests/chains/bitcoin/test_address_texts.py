"""Texts of many addresses at once are those of one after the other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.bitcoin.address import address_text
from chains.bitcoin.address_texts import Locks, address_texts
from chains.bitcoin.networks import BITCOIN, NETWORKS
from chains.tables import ScriptType

_HASHES = st.one_of(
    st.binary(min_size=20, max_size=20),
    st.integers(0, 20).map(lambda zeros: bytes(zeros) + bytes([255] * (20 - zeros))),
)
_PROGRAMS = st.binary(min_size=32, max_size=32)
_LOCKINGS = st.one_of(
    st.tuples(
        st.sampled_from([ScriptType.P2PKH, ScriptType.P2SH, ScriptType.P2WPKH]),
        _HASHES,
    ),
    st.tuples(st.sampled_from([ScriptType.P2WSH, ScriptType.P2TR]), _PROGRAMS),
    st.tuples(st.just(ScriptType.P2PK), st.just(b"\x02" + bytes(range(32)))),
    st.tuples(st.just(ScriptType.WITNESS_UNKNOWN), st.just(b"\x52\x04abcd")),
    st.tuples(st.just(ScriptType.OP_RETURN), st.just(b"")),
)


def _locks(lockings: list[tuple[ScriptType, bytes]]) -> Locks:
    ends = np.cumsum([0] + [len(payload) for _, payload in lockings])
    return Locks(
        script_type=np.array([kind for kind, _ in lockings], np.uint8),
        first_byte=ends[:-1],
        past_byte=ends[1:],
        payload=np.frombuffer(b"".join(payload for _, payload in lockings), np.uint8),
    )


@given(lockings=st.lists(_LOCKINGS, max_size=40), network=st.sampled_from(NETWORKS))
def test_address_texts__are_those_of_single_addresses(lockings, network):
    expected = [address_text(kind, payload, network) for kind, payload in lockings]
    assert address_texts(_locks(lockings), network) == expected


def test_address_texts__refuses_a_payload_of_the_wrong_length():
    with pytest.raises(ValueError, match="payload of 20 bytes"):
        address_texts(_locks([(ScriptType.P2PKH, bytes(19))]), BITCOIN)
