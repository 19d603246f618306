# pragma version ~=0.4.3
"""Executes operations of smart accounts, with the event of ERC-4337; checks no signature."""

interface Account:
    def execute(to: address, amount: uint256): nonpayable

event UserOperationEvent:
    userOpHash: indexed(bytes32)
    sender: indexed(address)
    paymaster: indexed(address)
    nonce: uint256
    success: bool
    actualGasCost: uint256
    actualGasUsed: uint256

nonces: HashMap[address, uint256]


@external
def handle(account: address, to: address, amount: uint256, paymaster: address):
    operation: bytes32 = keccak256(abi_encode(account, to, amount, self.nonces[account]))
    call: Bytes[68] = abi_encode(to, amount, method_id=method_id("execute(address,uint256)"))
    success: bool = raw_call(account, call, revert_on_failure=False)
    log UserOperationEvent(
        userOpHash=operation,
        sender=account,
        paymaster=paymaster,
        nonce=self.nonces[account],
        success=success,
        actualGasCost=tx.gasprice * 60000,
        actualGasUsed=60000,
    )
    self.nonces[account] += 1
