# pragma version ~=0.4.3
"""Several kinds of token in one contract, as ERC-1155 has them."""

event TransferSingle:
    operator: indexed(address)
    sender: indexed(address)
    receiver: indexed(address)
    token_id: uint256
    amount: uint256

event TransferBatch:
    operator: indexed(address)
    sender: indexed(address)
    receiver: indexed(address)
    token_ids: DynArray[uint256, 8]
    amounts: DynArray[uint256, 8]

balanceOf: public(HashMap[address, HashMap[uint256, uint256]])


@external
def mint(receiver: address, token_ids: DynArray[uint256, 8], amounts: DynArray[uint256, 8]):
    for place: uint256 in range(len(token_ids), bound=8):
        self.balanceOf[receiver][token_ids[place]] += amounts[place]
    log TransferBatch(
        operator=msg.sender,
        sender=empty(address),
        receiver=receiver,
        token_ids=token_ids,
        amounts=amounts,
    )


@external
def safeTransferFrom(
    sender: address, receiver: address, token_id: uint256, amount: uint256, extra: Bytes[32]
):
    assert sender == msg.sender
    self.balanceOf[sender][token_id] -= amount
    self.balanceOf[receiver][token_id] += amount
    log TransferSingle(
        operator=msg.sender, sender=sender, receiver=receiver, token_id=token_id, amount=amount
    )
