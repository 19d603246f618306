# pragma version ~=0.4.3
"""An account that is a contract: it does what the entry point hands it."""

entry_point: address


@deploy
def __init__(entry_point: address):
    self.entry_point = entry_point


@external
@payable
def __default__():
    pass


@external
def execute(to: address, amount: uint256):
    assert msg.sender == self.entry_point
    raw_call(to, b"", value=amount)
