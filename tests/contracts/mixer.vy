# pragma version ~=0.4.3
"""A pool of one denomination with the events and the calls of Tornado Cash, and no proof."""

event Deposit:
    commitment: indexed(bytes32)
    leafIndex: uint32
    timestamp: uint256

event Withdrawal:
    to: address
    nullifierHash: bytes32
    relayer: indexed(address)
    fee: uint256

denomination: public(uint256)
next_leaf: uint32
spent: HashMap[bytes32, bool]


@deploy
def __init__(denomination: uint256):
    self.denomination = denomination


@external
@payable
def deposit(commitment: bytes32):
    assert msg.value == self.denomination
    log Deposit(commitment=commitment, leafIndex=self.next_leaf, timestamp=block.timestamp)
    self.next_leaf += 1


@external
@payable
def withdraw(
    proof: Bytes[256],
    root: bytes32,
    nullifier_hash: bytes32,
    recipient: address,
    relayer: address,
    fee: uint256,
    refund: uint256,
):
    assert not self.spent[nullifier_hash]
    assert fee <= self.denomination
    self.spent[nullifier_hash] = True
    raw_call(recipient, b"", value=self.denomination - fee)
    if fee > 0:
        raw_call(relayer, b"", value=fee)
    log Withdrawal(to=recipient, nullifierHash=nullifier_hash, relayer=relayer, fee=fee)
