# pragma version ~=0.4.3
"""A wallet that executes what its owner says, with the events of a Safe."""

event SafeReceived:
    sender: indexed(address)
    amount: uint256

event ExecutionSuccess:
    txHash: indexed(bytes32)
    payment: uint256

owner: address
nonce: public(uint256)


@deploy
def __init__(owner: address):
    self.owner = owner


@external
@payable
def __default__():
    log SafeReceived(sender=msg.sender, amount=msg.value)


@external
def execute(to: address, amount: uint256, call: Bytes[1024]):
    assert msg.sender == self.owner
    tx_hash: bytes32 = keccak256(abi_encode(self, to, amount, self.nonce))
    self.nonce += 1
    raw_call(to, call, value=amount)
    log ExecutionSuccess(txHash=tx_hash, payment=0)
