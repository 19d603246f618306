"""A chain of a real Ethereum node with everything that a ledger of accounts has to get right.

People are accounts of the node, with 10,000 coins each from genesis. Every step has a name, under
which its transactions are found; steps of one block stand in one `block()`. The chain is the same
in every run, to the hash.

The story told at its end: `thief`, who has 10 coins left, steals from `victim`, wraps a part, swaps
it through two pools and back, unwraps the rest, and pays into an exchange's deposit address, from
which the exchange sweeps it to its hot wallet.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import rlp
from eth_account import Account

from chains.ethereum.address import keccak256
from chains.ethereum.rpc.provider import RECURSION_LIMIT
from tests.anvil import CHAIN_ID, GENESIS_TIME, EthereumNode
from tests.dev_contracts import arguments_of, call_data, code_of

# The library for keys loads another that raises this a hundredfold, with which tests of deeply
# nested JSON would crash.
sys.setrecursionlimit(RECURSION_LIMIT)

ETHER = 10**18
GWEI = 10**9
BLOCK_SECONDS = 12
OWN = 10 * ETHER
"""What the thief holds before the theft."""

STOLEN = 50 * ETHER
WRAPPED = 30 * ETHER
SWAPPED = 20 * ETHER
CASHED_IN = 35 * ETHER
DENOMINATION = 10 * ETHER

PEOPLE = (
    *("deployer", "alice", "bob", "carol", "dave", "victim", "thief", "exchange", "sweeper"),
    *("mixer_user", "relayer", "fresh", "bundler", "paymaster", "safe_owner", "collector"),
    *("airdropper", "crowd0", "crowd1", "crowd2", "vault", "heir", "deposit_key", "delegator"),
)
FEE_RECIPIENT = "0x" + keccak256(b"fee recipient")[-20:].hex()
NOBODY = "0x" + "00" * 20


@dataclass(kw_only=True)
class DevChain:
    """The chain while it is made, and afterwards."""

    node: EthereumNode
    people: dict[str, str] = field(default_factory=dict)
    """Addresses by name, in small letters."""

    contracts: dict[str, str] = field(default_factory=dict)
    """Addresses of contracts by name, in small letters."""

    steps: dict[str, list[str]] = field(default_factory=dict)
    """Ids of transactions by the name of their step."""

    time: int = GENESIS_TIME
    """Of the last block."""

    @property
    def source(self) -> str:
        """Return the URI by which the chain is a source of blocks."""
        return self.node.source

    @property
    def names(self) -> dict[str, str]:
        """Return all addresses by name."""
        return {**self.people, **self.contracts, "fee_recipient": FEE_RECIPIENT}

    @property
    def height(self) -> int:
        """Return the height of the last block."""
        return int(self.node.rpc("eth_blockNumber"), 16)

    @cached_property
    def blocks(self) -> list[dict[str, Any]]:
        """Return the blocks of the finished chain as the node tells them, with transactions."""
        return self.node.rpc.batch(
            [("eth_getBlockByNumber", (hex(at), True)) for at in range(self.height + 1)]
        )

    def tx(self, step: str) -> str:
        """Return the id of the one transaction of a step."""
        (only,) = self.steps[step]
        return only

    # --- making it

    def block(self, seconds: int = BLOCK_SECONDS) -> None:
        """Make a block of what waits, so long after the one before."""
        self.time += seconds
        self.node.rpc("evm_setNextBlockTimestamp", hex(self.time))
        self.node.mine()

    def send(
        self,
        step: str,
        sender: str,
        to: str | None,
        call: bytes = b"",
        value: int = 0,
        **fields: Any,
    ) -> str:
        """Send a transaction by the names of its parties; a step may have several."""
        request = {
            "from": self.names[sender],
            "value": hex(value),
            "gas": hex(1_000_000),
            "input": "0x" + call.hex(),
            **({} if to is None else {"to": self.names.get(to, to)}),
            **({} if "gasPrice" in fields else FEES),
            **fields,
        }
        return self._sent(step, self.node.rpc("eth_sendTransaction", request))

    def send_signed(self, step: str, key: bytes, request: dict[str, Any]) -> str:
        """Sign a transaction here and send it."""
        signed = Account.sign_transaction({**SIGNED_FEES, **request}, key)
        raw = "0x" + signed.raw_transaction.hex()
        return self._sent(step, self.node.rpc("eth_sendRawTransaction", raw))

    def deploy(
        self,
        contract: str,
        types: str = "()",
        *arguments: Any,
        name: str = "",
        sender: str = "deployer",
        value: int = 0,
    ) -> None:
        """Send the transaction that makes a contract; its address is known at once."""
        nonce = int(self.node.rpc("eth_getTransactionCount", self.names[sender], "pending"), 16)
        code = code_of(contract) + arguments_of(types, *arguments)
        self.send(f"deploy {name or contract}", sender, None, code, value, gas=hex(3_000_000))
        self.contracts[name or contract] = created_by(self.names[sender], nonce)

    def call(
        self, step: str, sender: str, contract: str, signature: str, *arguments: Any, value: int = 0
    ) -> str:
        """Call a contract by name; arguments that are names of addresses become them."""
        known = self.names
        given = [known.get(a, a) if isinstance(a, str) else a for a in arguments]
        given = [[known.get(a, a) for a in a] if isinstance(a, list) else a for a in given]
        return self.send(step, sender, contract, call_data(signature, *given), value)

    def read(self, contract: str, signature: str, *arguments: Any) -> int:
        """Return the number that a contract answers with now."""
        known = self.names
        given = [known.get(a, a) if isinstance(a, str) else a for a in arguments]
        request = {"to": known[contract], "input": "0x" + call_data(signature, *given).hex()}
        return int(self.node.rpc("eth_call", request, "latest"), 16)

    def _sent(self, step: str, tx_hash: str) -> str:
        self.steps.setdefault(step, []).append(tx_hash)
        return tx_hash


FEES = {"maxFeePerGas": hex(10 * GWEI), "maxPriorityFeePerGas": hex(GWEI)}
SIGNED_FEES = {
    "maxFeePerGas": 10 * GWEI,
    "maxPriorityFeePerGas": GWEI,
    "chainId": CHAIN_ID,
    "gas": 200_000,
}


def created_by(sender: str, nonce: int) -> str:
    """Return the address of the contract that an account makes in its transaction `nonce`."""
    packed = rlp.encode([bytes.fromhex(sender[2:]), nonce])
    return "0x" + keccak256(packed)[-20:].hex()


def make_dev_chain(node: EthereumNode) -> DevChain:
    """Make the whole chain on a fresh node."""
    chain = DevChain(node=node)
    accounts: Sequence[str] = node.rpc("eth_accounts")
    chain.people = dict(zip(PEOPLE, (a.lower() for a in accounts), strict=False))
    node.rpc("anvil_setCoinbase", FEE_RECIPIENT)
    node.rpc("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    for part in (
        _deployments,
        _liquidity,
        _payments,
        _internal_payments,
        _tokens,
        _wrapping,
        _mixing,
        _wallets,
        _new_kinds,
        _deposits,
        _theft,
    ):
        part(chain)
    chain.block()
    return chain


def _deployments(chain: DevChain) -> None:
    chain.deploy("wrapped_coin", name="weth")
    chain.deploy("token", "(string,uint8,uint256)", "USDX", 6, 10**15, name="usd")
    chain.deploy("token", "(string,uint8,uint256)", "GEM", 18, 10**27, name="gem")
    old = (b"OLD".ljust(32, b"\0"), 8, 10**12)
    chain.deploy("silent_token", "(bytes32,uint256,uint256)", *old, name="old")
    fee = "(string,uint256,address,bool)"
    collector = chain.people["collector"]
    chain.deploy("fee_token", fee, "FEE", 10**24, collector, True, name="fee")
    chain.deploy("fee_token", fee, "SLY", 10**24, collector, False, name="sly_fee")
    chain.deploy("rebasing_token", "(string,uint256)", "REB", 10**24, name="rebasing")
    chain.block()
    chain.deploy("collectible", "(string)", "ART", name="art")
    chain.deploy("multi_token", name="items")
    chain.deploy("mixer", "(uint256)", DENOMINATION)
    chain.deploy("router", "(address)", chain.contracts["weth"])
    weth, usd, gem = (chain.contracts[name] for name in ("weth", "usd", "gem"))
    chain.deploy("pool", "(address,address)", weth, usd, name="weth_usd")
    chain.deploy("pool", "(address,address)", usd, gem, name="usd_gem")
    chain.block()
    chain.deploy("splitter")
    chain.deploy("ending", "(address)", NOBODY, value=3 * ETHER)
    chain.deploy("forwarder")
    chain.deploy("factory")
    chain.deploy("safe", "(address)", chain.people["safe_owner"])
    chain.deploy("entry_point")
    chain.deploy("smart_account", "(address)", chain.contracts["entry_point"])
    chain.deploy("bridge")
    chain.block()
    chain.deploy("liar")
    chain.block()


def _liquidity(chain: DevChain) -> None:
    chain.call("supply", "deployer", "weth", "deposit()", value=1_000 * ETHER)
    transfer = "transfer(address,uint256)"
    chain.call("supply", "deployer", "weth", transfer, "weth_usd", 1_000 * ETHER)
    chain.call("supply", "deployer", "usd", transfer, "weth_usd", 2_000_000 * 10**6)
    chain.call("supply", "deployer", "usd", transfer, "usd_gem", 1_000_000 * 10**6)
    chain.call("supply", "deployer", "gem", transfer, "usd_gem", 500_000 * ETHER)
    chain.call("supply", "deployer", "weth_usd", "sync()")
    chain.call("supply", "deployer", "usd_gem", "sync()")
    chain.block()


def _payments(chain: DevChain) -> None:
    chain.send("pay", "alice", "bob", value=4 * ETHER)
    chain.send("pay legacy", "bob", "carol", value=ETHER, gasPrice=hex(5 * GWEI), type="0x0")
    listed = [{"address": chain.contracts["usd"], "storageKeys": ["0x" + "00" * 32]}]
    fields = {"accessList": listed, "gasPrice": hex(5 * GWEI), "type": "0x1"}
    chain.send("pay by list", "carol", "dave", value=1, **fields)
    chain.send("pay oneself", "dave", "dave", value=7)
    chain.send("pay nothing", "dave", "alice")
    chain.send("fail", "alice", "router", b"\1\2\3\4", value=ETHER)
    gas = hex(22_000)
    chain.send("run out of gas", "bob", "usd", call_data("burn(uint256)", 1), gas=gas)
    chain.block()


def _internal_payments(chain: DevChain) -> None:
    crowd = ["crowd0", "crowd1", "crowd2"]
    chain.call("split", "alice", "splitter", "split(address[])", crowd, value=3 * ETHER)
    attempt = "attempt(address,address)"
    chain.call("attempt", "alice", "splitter", attempt, "bob", "carol", value=2 * ETHER)
    chain.block()
    chain.call("end", "bob", "ending", "end(address)", "heir")
    chain.deploy(
        "ending", "(address)", chain.people["heir"], name="stillborn", sender="bob", value=ETHER
    )
    chain.block()


def _tokens(chain: DevChain) -> None:
    transfer = "transfer(address,uint256)"
    for token in ("usd", "gem", "old", "fee", "sly_fee", "rebasing"):
        chain.call("hand out", "deployer", token, transfer, "alice", 10**9)
    chain.block()
    chain.call("approve", "alice", "usd", "approve(address,uint256)", "bob", 2**256 - 1)
    chain.call("use approval", "bob", "usd", "transferFrom(address,address,uint256)",
               "alice", "carol", 5 * 10**8)  # fmt: skip
    chain.call("burn", "carol", "usd", "burn(uint256)", 10**8)
    for token in ("gem", "old", "fee", "sly_fee", "rebasing"):
        chain.call(f"transfer {token}", "alice", token, transfer, "bob", 400_000_001)
    chain.call("transfer nothing", "dave", "usd", transfer, "alice", 0)
    chain.call("transfer too much", "dave", "usd", transfer, "alice", 1)
    chain.block()
    chain.call("rebase", "deployer", "rebasing", "rebase(uint256)", 10**22)
    airdrop = [f"crowd{number}" for number in range(3)]
    chain.call("approve airdrop", "deployer", "gem", "approve(address,uint256)",
               "splitter", 10**20)  # fmt: skip
    chain.call("airdrop", "deployer", "splitter", "airdrop(address,address[],uint256)",
               "gem", airdrop, 10**18)  # fmt: skip
    for name in airdrop:
        chain.call("gather airdrop", name, "gem", transfer, "airdropper", 10**18)
    chain.call("mint art", "deployer", "art", "mint(address,uint256)", "alice", 2**255 + 7)
    chain.call("move art", "alice", "art", "transferFrom(address,address,uint256)",
               "alice", "bob", 2**255 + 7)  # fmt: skip
    chain.call("mint items", "deployer", "items", "mint(address,uint256[],uint256[])",
               "alice", [1, 2], [100, 200])  # fmt: skip
    chain.call("move items", "alice", "items",
               "safeTransferFrom(address,address,uint256,uint256,bytes)",
               "alice", "bob", 2, 50, b"")  # fmt: skip
    chain.block()


def _wrapping(chain: DevChain) -> None:
    chain.call("wrap", "alice", "weth", "deposit()", value=10 * ETHER)
    chain.send("wrap by paying", "bob", "weth", value=ETHER)
    chain.call("move weth", "alice", "weth", "transfer(address,uint256)", "bob", 2 * ETHER)
    chain.call("unwrap", "bob", "weth", "withdraw(uint256)", 3 * ETHER)
    chain.block()


def _mixing(chain: DevChain) -> None:
    for number, name in enumerate(("mixer_user", "alice", "bob")):
        commitment = keccak256(f"commitment {number}".encode())
        chain.call("mix in", name, "mixer", "deposit(bytes32)", commitment, value=DENOMINATION)
    chain.block()
    withdraw = "withdraw(bytes,bytes32,bytes32,address,address,uint256,uint256)"
    relayed = (b"proof", bytes(32), keccak256(b"nullifier 0"), "fresh", "relayer", ETHER // 100, 0)
    chain.call("mix out", "relayer", "mixer", withdraw, *relayed)
    own = (b"proof", bytes(32), keccak256(b"nullifier 1"), "alice", NOBODY, 0, 0)
    chain.call("mix out alone", "alice", "mixer", withdraw, *own)
    chain.block()


def _wallets(chain: DevChain) -> None:
    chain.send("fund safe", "alice", "safe", value=5 * ETHER)
    chain.send("fund account", "alice", "smart_account", value=5 * ETHER)
    chain.block()
    execute = "execute(address,uint256,bytes)"
    chain.call("safe pays", "safe_owner", "safe", execute, "dave", 2 * ETHER, b"")
    handle = "handle(address,address,uint256,address)"
    operation = ("smart_account", "dave", ETHER, "paymaster")
    chain.call("account pays", "bundler", "entry_point", handle, *operation)
    beyond = ("smart_account", "dave", 100 * ETHER, NOBODY)
    chain.call("account fails", "bundler", "entry_point", handle, *beyond)
    deposit = "depositWithExpiry(address,address,uint256,string,uint256)"
    memo = "=:BTC.BTC:bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq:0"
    out = ("vault", NOBODY, 0, memo, GENESIS_TIME + 10**6)
    chain.call("leave", "carol", "bridge", deposit, *out, value=2 * ETHER)
    chain.block()


DELEGATOR_KEY = keccak256(b"delegator")


def _new_kinds(chain: DevChain) -> None:
    """An account of a key gets code (EIP-7702), and acts by it in the same transaction."""
    signer = Account.from_key(DELEGATOR_KEY)
    chain.people["delegator"] = signer.address.lower()
    chain.send("fund delegator", "alice", "delegator", value=3 * ETHER)
    chain.block()
    # The account sends the transaction itself, whose nonce counts first.
    wish = {"chainId": CHAIN_ID, "address": chain.contracts["forwarder"], "nonce": 1}
    request = {
        "nonce": 0,
        "to": bytes.fromhex(chain.people["dave"][2:]),
        "value": ETHER,
        "authorizationList": [Account.sign_authorization(wish, DELEGATOR_KEY)],
    }
    chain.send_signed("delegate", DELEGATOR_KEY, request)
    chain.block()


def _deposits(chain: DevChain) -> None:
    """Deposit addresses of an exchange: two proxies, and one that is a key of its own."""
    make = "make(address,address,bytes32)"
    for number, name in enumerate(("deposit_alice", "deposit_bob", "deposit_thief")):
        salt = keccak256(name.encode())
        arguments = ("forwarder", "exchange", salt)
        request = {
            "to": chain.contracts["factory"],
            "input": "0x"
            + call_data(make, chain.contracts["forwarder"], chain.people["exchange"], salt).hex(),
        }
        answer = chain.node.rpc("eth_call", request, "latest")
        chain.contracts[name] = "0x" + answer[-40:]
        chain.call(f"make deposit {number}", "sweeper", "factory", make, *arguments)
    chain.block()
    chain.send("deposit alice", "alice", "deposit_alice", value=6 * ETHER)
    chain.call("deposit alice token", "alice", "usd", "transfer(address,uint256)",
               "deposit_alice", 10**8)  # fmt: skip
    chain.send("deposit bob", "bob", "deposit_bob", value=5 * ETHER)
    chain.send("deposit carol", "carol", "deposit_key", value=2 * ETHER)
    chain.block()
    for name in ("deposit_alice", "deposit_bob"):
        chain.call("sweep", "sweeper", name, "sweep()")
    chain.call("sweep token", "sweeper", "deposit_alice", "sweep_token(address)", "usd")
    chain.send("sweep key", "deposit_key", "exchange", value=2 * ETHER - ETHER // 100)
    chain.block()


def _theft(chain: DevChain) -> None:
    pools = ["weth_usd", "usd_gem"]
    balance = int(chain.node.rpc("eth_getBalance", chain.people["thief"], "latest"), 16)
    away, price = balance - OWN - 21_000 * 10 * GWEI, hex(10 * GWEI)
    chain.send("thief keeps little", "thief", "carol", value=away, gasPrice=price)
    chain.block()
    chain.send("theft", "victim", "thief", value=STOLEN)
    chain.block()
    chain.call("thief wraps", "thief", "weth", "deposit()", value=WRAPPED)
    chain.call("thief approves", "thief", "weth", "approve(address,uint256)", "router", WRAPPED)
    swap = "swap(address[],address,uint256,address)"
    chain.call("thief swaps", "thief", "router", swap, pools, "weth", SWAPPED, "thief")
    chain.block()
    gems = chain.read("gem", "balanceOf(address)", "thief")
    chain.call("thief approves gems", "thief", "gem", "approve(address,uint256)", "router", gems)
    back = "swap_for_coin(address[],address,uint256,address)"
    chain.call("thief swaps back", "thief", "router", back, pools[::-1], "gem", gems, "thief")
    chain.call("thief unwraps", "thief", "weth", "withdraw(uint256)", WRAPPED - SWAPPED)
    chain.block()
    chain.send("thief cashes in", "thief", "deposit_thief", value=CASHED_IN)
    chain.block()
    chain.call("sweep thief", "sweeper", "deposit_thief", "sweep()")
    chain.block()


def send_blob(node: EthereumNode) -> int:
    """Mine a transaction that carries a blob of zeros (EIP-4844); return the fee for it in wei.

    Not part of the chain above: the node takes seconds to get ready for its first blob. That the
    commitment to zeros is the point at infinity spares us the computation.
    """
    key = keccak256(b"sender of blobs")
    sender = Account.from_key(key)
    rich, other = node.rpc("eth_accounts")[:2]
    fund = {"from": rich, "to": sender.address, "value": hex(ETHER)}
    node.rpc("eth_sendTransaction", fund)
    node.mine()
    infinity = b"\xc0" + bytes(47)
    versioned_hash = b"\x01" + sha256(infinity).digest()[1:]
    fields = [CHAIN_ID, 0, GWEI, 10 * GWEI, 21_000, bytes.fromhex(other[2:]), 1, b"", [], GWEI]
    signed = sender.unsafe_sign_hash(keccak256(b"\x03" + rlp.encode([*fields, [versioned_hash]])))
    payload = [*fields, [versioned_hash], signed.v - 27, signed.r, signed.s]
    sidecar = [[bytes(131_072)], [infinity], [infinity]]
    raw = b"\x03" + rlp.encode([payload, *sidecar])
    sent = node.rpc("eth_sendRawTransaction", "0x" + raw.hex())
    node.mine()
    receipt = node.rpc("eth_getTransactionReceipt", sent)
    return int(receipt["blobGasUsed"], 16) * int(receipt["blobGasPrice"], 16)
