# pragma version ~=0.4.3
"""Tokens of which each is one of its kind, as ERC-721 has them."""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    token_id: indexed(uint256)

symbol: public(String[32])
name: public(String[32])
balanceOf: public(HashMap[address, uint256])
ownerOf: public(HashMap[uint256, address])


@deploy
def __init__(symbol: String[32]):
    self.symbol = symbol
    self.name = symbol


@external
def mint(receiver: address, token_id: uint256):
    assert self.ownerOf[token_id] == empty(address)
    self.ownerOf[token_id] = receiver
    self.balanceOf[receiver] += 1
    log Transfer(sender=empty(address), receiver=receiver, token_id=token_id)


@external
def transferFrom(sender: address, receiver: address, token_id: uint256):
    assert self.ownerOf[token_id] == sender and sender == msg.sender
    self.ownerOf[token_id] = receiver
    self.balanceOf[sender] -= 1
    self.balanceOf[receiver] += 1
    log Transfer(sender=sender, receiver=receiver, token_id=token_id)
