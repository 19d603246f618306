import pytest
from coincurve import PrivateKey

from chains.ethereum.address import keccak256
from chains.ethereum.rlp import encode
from chains.ethereum.tables import NO_ACCOUNT
from tests.chains.ethereum.batches import events_of, moves_of
from tests.chains.ethereum.decode.answers import BOB, CAROL, NULL, Chain, sent

KEY = PrivateKey(bytes(31) + b"\x05")
OWNER = "0x" + keccak256(KEY.public_key.format(compressed=False)[1:])[12:].hex()
ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


def signed(code: str = CAROL, chain_id: int = 31_337, nonce: int = 3) -> dict[str, str]:
    message = b"\x05" + encode([chain_id, bytes.fromhex(code[2:]), nonce])
    raw = KEY.sign_recoverable(keccak256(message), hasher=None)
    return {
        "chainId": hex(chain_id),
        "address": code,
        "nonce": hex(nonce),
        "yParity": hex(raw[64]),
        "r": hex(int.from_bytes(raw[:32], "big")),
        "s": hex(int.from_bytes(raw[32:64], "big")),
    }


def delegated(*authorisations, sender=BOB, **more):
    chain = Chain()
    chain.add(
        sent(CAROL, type="0x4", chainId="0x7a69", authorizationList=list(authorisations))
        | {"from": sender},
        **more,
    )
    batch = chain.batch()
    assert all(number == NO_ACCOUNT for number in batch.contract)
    assert moves_of(batch, 0)
    return [
        (one["first"], one["second"]) for one in events_of(batch, 0) if one["kind"] == "DELEGATION"
    ]


def test_delegations__names_the_account_that_signed():
    assert delegated(signed()) == [(OWNER, CAROL)]
    assert delegated(signed(chain_id=0)) == [(OWNER, CAROL)]


def test_delegations__knows_what_was_taken_back():
    assert delegated(signed(), signed(NULL, nonce=4)) == [(OWNER, CAROL), (OWNER, None)]


def test_delegations__hold_in_a_failed_transaction():
    assert delegated(signed(), status="0x0") == [(OWNER, CAROL)]


@pytest.mark.parametrize(
    "changed",
    [
        signed(chain_id=1),
        signed() | {"r": "0x0"},
        signed() | {"s": "0x0"},
        signed() | {"s": hex(ORDER - int(signed()["s"], 16))},
        signed() | {"r": hex(ORDER)},
        # Sound as a transaction, so it may stand in a block.
        signed() | {"yParity": "0x2"},
        signed() | {"yParity": "0xff"},
    ],
)
def test_delegations__leave_out_what_takes_no_effect(changed):
    assert delegated(changed) == []


def test_delegations__are_of_somebody_else_where_anything_signed_was_changed():
    assert OWNER not in [account for account, _ in delegated(signed() | {"nonce": "0x9"})]


def test_delegations__check_the_nonce_of_the_sender():
    # The transaction of the account itself raised its nonce from 7 to 8.
    assert delegated(signed(nonce=7), signed(nonce=8), signed(nonce=9), sender=OWNER) == [
        (OWNER, CAROL),
        (OWNER, CAROL),
    ]
