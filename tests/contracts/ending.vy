# pragma version ~=0.4.3
"""Destroys itself: when it is told to, or while it is made."""


@deploy
@payable
def __init__(heir: address):
    if heir != empty(address):
        selfdestruct(heir)


@external
@payable
def __default__():
    pass


@external
def end(heir: address):
    selfdestruct(heir)
