# pragma version ~=0.4.3
"""Money leaves for another chain with a memo that says where to, as at THORChain's router."""

event Deposit:
    to: indexed(address)
    asset: indexed(address)
    amount: uint256
    memo: String[128]


@external
@payable
def depositWithExpiry(
    vault: address, asset: address, amount: uint256, memo: String[128], expiration: uint256
):
    assert asset == empty(address) and block.timestamp < expiration
    raw_call(vault, b"", value=msg.value)
    log Deposit(to=vault, asset=asset, amount=msg.value, memo=memo)
