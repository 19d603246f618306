# pragma version ~=0.4.3
"""A token that keeps a hundredth of what is transferred.

It tells of the fee in an event of its own, or, if it was made so, it tells of the whole amount
only: then its events do not add up to its balances.
"""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

symbol: public(String[32])
name: public(String[32])
decimals: public(uint8)
balanceOf: public(HashMap[address, uint256])
collector: address
tells: bool


@deploy
def __init__(symbol: String[32], supply: uint256, collector: address, tells: bool):
    self.symbol = symbol
    self.name = symbol
    self.decimals = 18
    self.collector = collector
    self.tells = tells
    self.balanceOf[msg.sender] = supply
    log Transfer(sender=empty(address), receiver=msg.sender, amount=supply)


@external
def transfer(receiver: address, amount: uint256) -> bool:
    fee: uint256 = amount // 100
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[receiver] += amount - fee
    self.balanceOf[self.collector] += fee
    if self.tells:
        log Transfer(sender=msg.sender, receiver=receiver, amount=amount - fee)
        log Transfer(sender=msg.sender, receiver=self.collector, amount=fee)
    else:
        log Transfer(sender=msg.sender, receiver=receiver, amount=amount)
    return True
