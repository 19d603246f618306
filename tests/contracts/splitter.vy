# pragma version ~=0.4.3
"""Passes on what it is paid: to several at once, in the coin or in a token, or by a detour."""

interface Token:
    def transferFrom(sender: address, receiver: address, amount: uint256) -> bool: nonpayable

interface Itself:
    def pay_and_fail(receiver: address): payable


@external
@payable
def __default__():
    pass


@external
@payable
def split(receivers: DynArray[address, 16]):
    share: uint256 = msg.value // len(receivers)
    for receiver: address in receivers:
        raw_call(receiver, b"", value=share)


@external
def airdrop(token: address, receivers: DynArray[address, 16], amount: uint256):
    for receiver: address in receivers:
        extcall Token(token).transferFrom(msg.sender, receiver, amount)


@external
@payable
def pay_and_fail(receiver: address):
    raw_call(receiver, b"", value=msg.value)
    raise "what was paid is taken back"


@external
@payable
def attempt(failing: address, receiver: address):
    """Half goes by a call that pays and fails, which is caught; then everything to the receiver."""
    call: Bytes[68] = abi_encode(failing, method_id=method_id("pay_and_fail(address)"))
    went: bool = raw_call(self, call, value=msg.value // 2, revert_on_failure=False)
    assert not went
    raw_call(receiver, b"", value=msg.value)
