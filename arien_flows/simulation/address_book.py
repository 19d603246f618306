"""The address book of a finished chain: address numbers to types, payloads and texts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from arien_flows.simulation.keys import Keyring
from arien_flows.simulation.plan import Plan
from arien_flows.simulation.roles import ACTORS, Actor, Purpose
from arien_flows.simulation.wallets import SCRIPT_TYPE_OF_FORM
from chains.bitcoin.address import address_text
from chains.bitcoin.networks import REGTEST
from chains.tables import ScriptType
from chains.types import Int32Array, Int64Array

Int8Array = NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressBook:
    """Answers about the addresses of a chain, by number."""

    plan: Plan
    keyring: Keyring

    first_transaction: Int32Array
    """The transaction that first pays each address; -1 where none does."""

    first_purpose: Int8Array
    """The purpose of that payment; -1 where there is none."""

    of_actors: Int64Array
    """Numbers of the addresses of named actors, ascending."""

    def payload(self, address: int) -> bytes:
        """Return the payload, as `chains.tables.ScriptType` defines it."""
        start, stop = self.keyring.payload_start[address : address + 2]
        return self.keyring.payload[start:stop].tobytes()

    def script_type(self, address: int) -> ScriptType:
        """Return the type of the locking script."""
        return ScriptType(int(SCRIPT_TYPE_OF_FORM[int(self.plan.addresses[address]["form"])]))

    def text(self, address: int) -> str:
        """Return the address, or a descriptor for scripts that have none."""
        text = address_text(self.script_type(address), self.payload(address), REGTEST)
        if text is None:
            raise ValueError(f"address {address} has no text")
        return text

    def hot_addresses(self, actor: Actor, most: int) -> list[int]:
        """Return addresses of a service's own wallet that the chain shows, the oldest first."""
        return self._chosen(actor, Purpose.ORDINARY, most)

    def cold_addresses(self, actor: Actor, most: int) -> list[int]:
        """Return addresses of a service's cold storage, the oldest first."""
        return self._chosen(actor, Purpose.COLD, most)

    def deposit_addresses(self, actor: Actor, most: int) -> list[int]:
        """Return addresses at which customers pay a service, the oldest first."""
        purpose = {
            Actor.MARKET_A: Purpose.ACCOUNT_DEPOSIT,
            Actor.MARKET_B: Purpose.ACCOUNT_DEPOSIT,
            Actor.EXCHANGE_A: Purpose.EXCHANGE_DEPOSIT,
            Actor.EXCHANGE_B: Purpose.EXCHANGE_DEPOSIT,
            Actor.MIXER: Purpose.MIXER_DEPOSIT,
        }[actor]
        return self._chosen(actor, purpose, most)

    def _chosen(self, actor: Actor, purpose: Purpose, most: int) -> list[int]:
        """Return addresses of an actor that were made for one purpose, in order of number."""
        owned = self.plan.addresses["owner"][self.of_actors] == actor
        suited = self.first_purpose[self.of_actors] == purpose
        return [int(number) for number in self.of_actors[owned & suited][:most]]


def new_address_book(plan: Plan, keyring: Keyring) -> AddressBook:
    """Return the address book of a chain."""
    first = np.full(len(plan.addresses), -1, dtype=np.int32)
    outputs = np.diff(plan.transactions["first_output"])
    maker = np.repeat(np.arange(plan.transaction_count, dtype=np.int32), outputs)
    address = plan.coins["address"]
    paid = address >= 0
    # Written from the last payment to the first, so that the first one stays.
    first[address[paid][::-1]] = maker[paid][::-1]
    purpose = np.full(len(plan.addresses), -1, dtype=np.int8)
    purpose[address[paid][::-1]] = plan.coins["purpose"][paid][::-1]
    return AddressBook(
        plan=plan,
        keyring=keyring,
        first_transaction=first,
        first_purpose=purpose,
        of_actors=np.flatnonzero(plan.addresses["owner"] < ACTORS),
    )
