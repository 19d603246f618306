"""What a ledger holds, by addresses: for comparing it with what a node says."""

from dataclasses import dataclass

from arien_flows.account_ledger.view import AccountView
from chains.ethereum.tables import NULL_ADDRESS, CallCoverage
from chains.ethereum.tokens import listed


@dataclass(frozen=True, slots=True)
class ViewBalances:
    """The balances of a view."""

    view: AccountView

    def is_new(self, account: bytes) -> bool:
        """Return whether the ledger never met an account; the null address comes with it."""
        if account == NULL_ADDRESS:
            return not self.view.counts.blocks
        return self.view.index.find_account(account) is None

    def has_met(self, account: bytes, contract: bytes) -> bool:
        """Return whether an account ever gave or received a token."""
        number, asset = self.view.index.find_account(account), self._asset(contract)
        if number is None or asset is None:
            return False
        return self.view.index.has_moved(number, asset)

    def balance(self, account: bytes, contract: bytes) -> int:
        """Return what an account holds of a token."""
        number, asset = self.view.index.find_account(account), self._asset(contract)
        if number is None or asset is None:
            return 0
        return self.view.index.totals(number, asset).balance

    def is_conserving(self, contract: bytes) -> bool:
        """Return whether transfers of a token tell its balances, as far as is known."""
        asset = self._asset(contract)
        if asset is None:
            told = listed(contract, self.view.network.chain_id)
            return told is None or told.is_conserving
        return self.view.asset_facts[asset].is_conserving

    def tells_calls(self) -> bool:
        """Return whether what contracts passed on is known of all blocks so far."""
        return self.view.calls is CallCoverage.TRACED

    def _asset(self, contract: bytes) -> int | None:
        number = self.view.index.find_account(contract)
        return None if number is None else self.view.index.find_asset(number)
