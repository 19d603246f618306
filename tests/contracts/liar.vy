# pragma version ~=0.4.3
"""A contract that answers what tokens are asked with nonsense."""


@external
@view
def symbol() -> Bytes[65]:
    return b"\xff\xfe\x00 bad \x1b[31m text that goes on and on and on and on and on"


@external
@view
def name() -> uint256:
    return max_value(uint256)


@external
@view
def decimals() -> uint256:
    return 2 ** 200


@external
@view
def balanceOf(owner: address) -> uint256:
    raise "none of your business"
