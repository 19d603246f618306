"""A small chain with everything in it, made by a real node in some seconds.

Wallets of every address type pay one another: multi-input spends, batch payments, consolidations,
bare, P2SH and P2WSH multisig, taproot by key and by script, data outputs, a payment that was
bumped, a transaction of several parties in the shape of a CoinJoin. Coinbases pay to scripts
without an address. Towards the end the node abandons two blocks for a longer branch, so that
stale blocks stay in the files, and some payments stay unconfirmed.

What is paid varies with the seed; the keys are the node's own and differ from run to run.
"""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.nodes import Node, Rpc, RpcError

NODE_OPTIONS = ("-fastprune=1", "-txindex=1", "-keypool=40")
"""`-fastprune` makes block files of 64 KiB, so that there are several."""

WALLETS = {
    "miner": "bech32",
    "alice": "legacy",
    "bob": "p2sh-segwit",
    "carol": "bech32",
    "dave": "bech32m",
    "exchange": "bech32",
}
"""Wallets and the address type that they use."""

PARTNERS = ("alice", "bob", "carol", "dave")

NO_KEY = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0"
"""An x-only point whose private key nobody knows (BIP-341): only the scripts can spend."""

GENERATOR_X = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
GENERATOR_Y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"

ODD_COINBASES = (
    f"pk(02{GENERATOR_X})",
    f"pk(04{GENERATOR_X}{GENERATOR_Y})",
    f"multi(1,02{GENERATOR_X},04{GENERATOR_X}{GENERATOR_Y})",
    f"multi(2,02{GENERATOR_X},03{GENERATOR_X},02{GENERATOR_X})",
    f"raw(4106{GENERATOR_X}{GENERATOR_Y}ac)",  # a hybrid key
    f"raw(514c2102{GENERATOR_X}51ae)",  # a multisig whose key is pushed in an unusual way
    "raw(51024e73)",  # pay to anchor
    "raw(5210751e76e8199196d454941c45d1b3a323)",  # witness version 2
    f"raw(5114{GENERATOR_X[:40]})",  # witness version 1, but not of 32 bytes
    f"raw(0010{GENERATOR_X[:32]})",  # version 0 of a length that nobody can spend
    "raw(51)",
    "raw(6a)",
    "raw(6a0461626364)",
    "raw(76a914)",
)
"""Scripts that no wallet makes; each gets the coinbase of one block."""


@dataclass(slots=True)
class RegtestChain:
    """A finished chain, its node still running."""

    node: Node

    transactions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Transaction ids as shown, by what they are."""

    stale: list[str] = field(default_factory=list)
    """Hashes, as shown, of the two blocks that were abandoned."""

    unconfirmed: list[str] = field(default_factory=list)

    blocks: list[dict[str, Any]] = field(default_factory=list)
    """What the node prints for each block of the best chain, at verbosity 3, by height."""

    @property
    def rpc(self) -> Rpc:
        """Return the node's RPC."""
        return self.node.rpc

    @property
    def datadir(self) -> Path:
        """Return the node's data directory."""
        return self.node.datadir


def make_chain(node: Node, seed: int = 7) -> RegtestChain:
    """Fill a fresh regtest node and return what is in its chain."""
    maker = _Maker(node, seed)
    maker.found_wallets()
    maker.mine_odd_coinbases()
    maker.fund()
    for _ in range(6):
        maker.trade()
    maker.trade_special()
    maker.reorganise()
    maker.leave_unconfirmed()
    count = node.rpc.getblockcount() + 1
    chain = maker.chain
    chain.blocks = [node.rpc.getblock(node.rpc.getblockhash(h), 3) for h in range(count)]
    return chain


class _Maker:
    def __init__(self, node: Node, seed: int) -> None:
        self.chain = RegtestChain(node=node)
        self.rpc = node.rpc
        self.random = random.Random(seed)
        self.wallets: dict[str, Rpc] = {}

    def found_wallets(self) -> None:
        for name in WALLETS:
            self.rpc.createwallet(name)
            self.wallets[name] = self.rpc.wallet(name)
        self.rpc.call("createwallet", "treasury", False, True)
        self.wallets["treasury"] = self.rpc.wallet("treasury")
        # Each address type gets coinbases of its own.
        for address_type in ("legacy", "p2sh-segwit", "bech32", "bech32m"):
            self.rpc.generatetoaddress(30, self.wallets["miner"].getnewaddress("", address_type))

    def mine_odd_coinbases(self) -> None:
        for bare in ODD_COINBASES:
            checksum = self.rpc.getdescriptorinfo(bare)["checksum"]
            self.rpc.generatetodescriptor(1, f"{bare}#{checksum}")

    def fund(self) -> None:
        for name in [*PARTNERS, "exchange"]:
            outputs = [{self.address(name): self.amount(2, 6)} for _ in range(12)]
            self.send("miner", outputs, "fund")
        self.mine()
        self.fund_treasury()
        self.mine(95)  # the treasury's coinbases mature, and the subsidy halves

    def fund_treasury(self) -> None:
        """Give the treasury coins under every script that several keys or one bare key lock."""
        keys = [self.private_key(name) for name in ("alice", "carol", "dave")]
        three = ",".join(f"{key}/0/*" for key in keys)
        forms = {
            "bare_multisig": f"multi(2,{three})",
            "p2sh_multisig": f"sh(sortedmulti(2,{three}))",
            "p2wsh_multisig": f"wsh(sortedmulti(2,{three}))",
            "p2sh_p2wsh_multisig": f"sh(wsh(multi(2,{three})))",
            "taproot_script": f"tr({NO_KEY},pk({keys[0]}/1/*))",
            "p2pk": f"pk({keys[1]}/2/*)",
        }
        treasury = self.wallets["treasury"]
        for form in forms.values():
            descriptor = self.summed(form)
            request = {"desc": descriptor, "timestamp": "now", "range": [0, 20]}
            (imported,) = treasury.importdescriptors([request])
            if not imported["success"]:
                raise RpcError(f"importdescriptors: {imported}")
            public = self.rpc.getdescriptorinfo(form)["descriptor"].partition("#")[0]
            for index in range(2):
                self.rpc.generatetodescriptor(1, self.summed(public.replace("*", str(index))))
        self.forms = {
            kind: self.rpc.getdescriptorinfo(form)["descriptor"] for kind, form in forms.items()
        }

    def private_key(self, wallet: str) -> str:
        descriptors = self.wallets[wallet].listdescriptors(True)["descriptors"]
        text = next(d["desc"] for d in descriptors if d["desc"].startswith("wpkh("))
        return str(text[text.index("(") + 1 : text.index("/")])

    def summed(self, bare: str) -> str:
        return f"{bare}#{self.rpc.getdescriptorinfo(bare)['checksum']}"

    def trade(self) -> None:
        """Make one round of ordinary payments and confirm them."""
        for payer in PARTNERS:
            payee = self.random.choice([name for name in PARTNERS if name != payer])
            self.send(payer, [{self.address(payee): self.amount(0.01, 1)}], "pay")
            self.send(payer, [{self.address("exchange"): "0.25"}], "deposit")
        # More than any single coin holds, so that several inputs are needed.
        payer = self.random.choice(PARTNERS)
        self.send(payer, [{self.address("exchange"): self.amount(7, 8)}], "multi_input")
        batch = [
            {self.address(self.random.choice(PARTNERS)): self.amount(0.05, 2)} for _ in range(9)
        ]
        self.send("exchange", batch, "batch")
        data = {"data": self.random.randbytes(self.random.randint(1, 75)).hex()}
        self.send("carol", [data, {self.address("bob"): "0.01"}], "op_return")
        self.mine()

    def trade_special(self) -> None:
        self.consolidate("exchange")
        self.bump("carol")
        self.join()
        self.spend_treasury()
        self.mine(2)

    def consolidate(self, wallet: str) -> None:
        coins = self.wallets[wallet].listunspent(1)[:25]
        inputs = [{"txid": coin["txid"], "vout": coin["vout"]} for coin in coins]
        options = {"inputs": inputs, "fee_rate": 5}
        target = [self.address(wallet)]
        sent = self.wallets[wallet].sendall(target, None, "unset", None, options)
        self.chain.transactions["consolidation"].append(sent["txid"])

    def bump(self, wallet: str) -> None:
        options = {"fee_rate": 2, "replaceable": True}
        outputs = [{self.address("dave"): "0.05"}]
        first = self.wallets[wallet].send(outputs, None, "unset", None, options)
        second = self.wallets[wallet].bumpfee(first["txid"], {"fee_rate": 25})
        self.chain.transactions["bumped"].append(second["txid"])

    def join(self) -> None:
        """Make one transaction of four parties, each with an output of the same amount."""
        share, fee = Decimal("0.1"), Decimal("0.00002")
        inputs, outputs = [], []
        for name in PARTNERS:
            coins = self.wallets[name].listunspent(1)
            coin = next(coin for coin in coins if coin["amount"] > share + fee)
            inputs.append({"txid": coin["txid"], "vout": coin["vout"]})
            outputs.append({self.address(name): str(share)})
            outputs.append({self.address(name): str(coin["amount"] - share - fee)})
        self.random.shuffle(inputs)
        self.random.shuffle(outputs)
        joined = self.rpc.createpsbt(inputs, outputs)
        # One after the other: a taproot signature commits to the coins of all parties, and
        # each wallet knows only its own.
        for name in PARTNERS:
            joined = self.wallets[name].walletprocesspsbt(joined)["psbt"]
        final = self.rpc.finalizepsbt(joined)
        self.chain.transactions["coinjoin"].append(self.rpc.sendrawtransaction(final["hex"]))

    def spend_treasury(self) -> None:
        """Spend one coin of each of the treasury's scripts."""
        treasury = self.wallets["treasury"]
        for kind, descriptor in self.forms.items():
            found = self.rpc.scantxoutset("start", [{"desc": descriptor, "range": 5}])["unspents"]
            coin = min(found, key=lambda coin: coin["height"])
            inputs = [{"txid": coin["txid"], "vout": coin["vout"]}]
            outputs = [{self.address("exchange"): str(coin["amount"] - Decimal("0.0001"))}]
            bare = self.rpc.createrawtransaction(inputs, outputs)
            signed = treasury.signrawtransactionwithwallet(bare)
            if not signed["complete"]:
                raise RpcError(f"{kind} could not be signed: {signed}")
            txid = self.rpc.sendrawtransaction(signed["hex"], 0)
            self.chain.transactions[kind].append(txid)

    def reorganise(self) -> None:
        """Abandon the last two blocks for three others."""
        tip = self.rpc.getblockcount()
        abandoned = [self.rpc.getblockhash(height) for height in (tip - 1, tip)]
        self.rpc.invalidateblock(abandoned[0])
        for _ in range(3):
            self.rpc.generateblock(self.address("miner"), [])
        self.rpc.reconsiderblock(abandoned[0])
        self.chain.stale = abandoned
        self.mine()

    def leave_unconfirmed(self) -> None:
        for payer in PARTNERS:
            self.send(payer, [{self.address("exchange"): "0.02"}], "unconfirmed")
        self.chain.unconfirmed = self.chain.transactions.pop("unconfirmed")

    def send(self, wallet: str, outputs: list[dict[str, str]], kind: str) -> None:
        options = {"fee_rate": self.random.randint(2, 30), "change_type": WALLETS[wallet]}
        sent = self.wallets[wallet].send(outputs, None, "unset", None, options)
        self.chain.transactions[kind].append(sent["txid"])

    def address(self, wallet: str) -> str:
        return str(self.wallets[wallet].getnewaddress("", WALLETS[wallet]))

    def amount(self, low: float, high: float) -> str:
        sat = self.random.randint(int(low * 10**8), int(high * 10**8))
        return str(Decimal(sat) / 10**8)

    def mine(self, count: int = 1) -> None:
        self.rpc.generatetoaddress(count, self.address("miner"))
