# pragma version ~=0.4.3
"""A pool of two tokens with a constant product, with the events of Uniswap v2."""

interface Token:
    def balanceOf(owner: address) -> uint256: view
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable

event Swap:
    sender: indexed(address)
    amount0In: uint256
    amount1In: uint256
    amount0Out: uint256
    amount1Out: uint256
    to: indexed(address)

event Sync:
    reserve0: uint112
    reserve1: uint112

token0: public(address)
token1: public(address)
reserve0: public(uint256)
reserve1: public(uint256)


@deploy
def __init__(token0: address, token1: address):
    self.token0 = token0
    self.token1 = token1


@internal
def _sync() -> (uint256, uint256):
    came0: uint256 = staticcall Token(self.token0).balanceOf(self)
    came1: uint256 = staticcall Token(self.token1).balanceOf(self)
    self.reserve0 = came0
    self.reserve1 = came1
    log Sync(reserve0=convert(came0, uint112), reserve1=convert(came1, uint112))
    return came0, came1


@external
def sync():
    self._sync()


@external
def swap(out0: uint256, out1: uint256, to: address, extra: Bytes[32]):
    before0: uint256 = self.reserve0
    before1: uint256 = self.reserve1
    if out0 > 0:
        extcall Token(self.token0).transfer(to, out0)
    if out1 > 0:
        extcall Token(self.token1).transfer(to, out1)
    after0: uint256 = 0
    after1: uint256 = 0
    after0, after1 = self._sync()
    assert after0 * after1 >= before0 * before1
    log Swap(
        sender=msg.sender,
        amount0In=after0 + out0 - before0,
        amount1In=after1 + out1 - before1,
        amount0Out=out0,
        amount1Out=out1,
        to=to,
    )
