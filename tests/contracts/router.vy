# pragma version ~=0.4.3
"""Leads a swap through one pool or several; pays the coin in or out by wrapping it."""

interface Token:
    def transferFrom(sender: address, receiver: address, amount: uint256) -> bool: nonpayable
    def transfer(receiver: address, amount: uint256) -> bool: nonpayable
    def deposit(): payable
    def withdraw(amount: uint256): nonpayable

interface Pool:
    def token0() -> address: view
    def reserve0() -> uint256: view
    def reserve1() -> uint256: view
    def token1() -> address: view
    def swap(out0: uint256, out1: uint256, to: address, extra: Bytes[32]): nonpayable

weth: address


@deploy
def __init__(weth: address):
    self.weth = weth


@external
@payable
def __default__():
    assert msg.sender == self.weth


@internal
def _legs(pools: DynArray[address, 4], given: address, amount: uint256, to: address) -> uint256:
    asset: address = given
    moved: uint256 = amount
    for place: uint256 in range(len(pools), bound=4):
        pool: address = pools[place]
        receiver: address = to
        if place + 1 < len(pools):
            receiver = pools[place + 1]
        first: address = staticcall Pool(pool).token0()
        mine: uint256 = staticcall Pool(pool).reserve0()
        other: uint256 = staticcall Pool(pool).reserve1()
        if asset != first:
            mine = other
            other = staticcall Pool(pool).reserve0()
        out: uint256 = moved * 997 * other // (mine * 1000 + moved * 997)
        if asset == first:
            asset = staticcall Pool(pool).token1()
            extcall Pool(pool).swap(0, out, receiver, b"")
        else:
            asset = first
            extcall Pool(pool).swap(out, 0, receiver, b"")
        moved = out
    return moved


@external
def swap(pools: DynArray[address, 4], given: address, amount: uint256, to: address) -> uint256:
    extcall Token(given).transferFrom(msg.sender, pools[0], amount)
    return self._legs(pools, given, amount, to)


@external
@payable
def swap_coin(pools: DynArray[address, 4], to: address) -> uint256:
    extcall Token(self.weth).deposit(value=msg.value)
    extcall Token(self.weth).transfer(pools[0], msg.value)
    return self._legs(pools, self.weth, msg.value, to)


@external
def swap_for_coin(
    pools: DynArray[address, 4], given: address, amount: uint256, to: address
) -> uint256:
    extcall Token(given).transferFrom(msg.sender, pools[0], amount)
    got: uint256 = self._legs(pools, given, amount, self)
    extcall Token(self.weth).withdraw(got)
    raw_call(to, b"", value=got)
    return got
