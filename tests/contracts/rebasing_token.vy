# pragma version ~=0.4.3
"""A token whose balances grow by themselves: shares of a total that its maker raises."""

event Transfer:
    sender: indexed(address)
    receiver: indexed(address)
    amount: uint256

symbol: public(String[32])
name: public(String[32])
decimals: public(uint8)
totalSupply: public(uint256)
total_shares: uint256
shares: HashMap[address, uint256]


@deploy
def __init__(symbol: String[32], supply: uint256):
    self.symbol = symbol
    self.name = symbol
    self.decimals = 18
    self.totalSupply = supply
    self.total_shares = supply
    self.shares[msg.sender] = supply
    log Transfer(sender=empty(address), receiver=msg.sender, amount=supply)


@external
@view
def balanceOf(owner: address) -> uint256:
    return self.shares[owner] * self.totalSupply // self.total_shares


@external
def transfer(receiver: address, amount: uint256) -> bool:
    shares: uint256 = amount * self.total_shares // self.totalSupply
    self.shares[msg.sender] -= shares
    self.shares[receiver] += shares
    log Transfer(sender=msg.sender, receiver=receiver, amount=amount)
    return True


@external
def rebase(gained: uint256):
    self.totalSupply += gained
