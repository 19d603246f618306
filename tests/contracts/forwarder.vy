# pragma version ~=0.4.3
"""The code behind deposit addresses: what arrives is swept to their exchange."""

interface Token:
    def balanceOf(owner: address) -> uint256: view
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable

exchange: public(address)


@external
@payable
def __default__():
    pass


@external
def set_up(exchange: address):
    assert self.exchange == empty(address)
    self.exchange = exchange


@external
def sweep():
    raw_call(self.exchange, b"", value=self.balance)


@external
def sweep_token(token: address):
    amount: uint256 = staticcall Token(token).balanceOf(self)
    extcall Token(token).transfer(self.exchange, amount)
