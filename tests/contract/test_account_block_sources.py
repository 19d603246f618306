"""What every source of whole blocks of accounts must do, asked of all of them on one chain."""

import dataclasses

import numpy as np
import pytest

from chains.access import Access
from chains.errors import SourceUnavailableError, UnknownNetworkError
from chains.registry import ACCOUNT_BLOCK_SCHEMES, open_account_blocks
from tests.nodes import free_port

NETWORK = "ethereum-dev"
KINDS = ("debug", "trace", "none")


@pytest.fixture(scope="module", params=KINDS)
def uri(request, ethereum_chain):
    return f"{ethereum_chain.source}?traces={request.param}"


@pytest.fixture(scope="module")
def source(uri):
    with open_account_blocks(uri, NETWORK) as opened:
        yield opened


def facts(batch, start=0, stop=None):
    """Return what a batch says of its blocks, without its own numbers of accounts."""
    stop = batch.block_count if stop is None else stop
    names = [raw.tobytes() for raw in batch.address]

    def named(column, row):
        at = int(column[row])
        return names[at] if at < len(names) else None

    found = []
    for block in range(start, stop):
        rows = range(*batch.first_transaction[block : block + 2].tolist())
        moves = range(batch.first_movement[rows.start], batch.first_movement[rows.stop])
        events = range(batch.first_event[rows.start], batch.first_event[rows.stop])
        codes = range(batch.first_code[rows.start], batch.first_code[rows.stop])
        found.append(
            (
                batch.height[block],
                batch.block_hash[block].tobytes(),
                batch.parent_hash[block].tobytes(),
                batch.time[block],
                named(batch.fee_recipient, block),
                [
                    (batch.tx_hash[row].tobytes(), batch.tx_kind[row], batch.succeeded[row],
                     named(batch.sender, row), named(batch.receiver, row), batch.nonce[row],
                     batch.value[row].tolist(), batch.gas_used[row], batch.gas_price[row])
                    for row in rows
                ],
                [
                    (batch.kind[row], named(batch.giver, row), named(batch.gets, row),
                     named(batch.asset, row), batch.amount[row].tolist(), batch.log_index[row])
                    for row in moves
                ],
                [
                    (batch.event_kind[row], named(batch.contract, row), named(batch.first, row),
                     named(batch.second, row), batch.word[row].tobytes())
                    for row in events
                ],
                [
                    (named(batch.code_account, row), named(batch.code_creator, row),
                     batch.code_kind[row], batch.code_hash[row].tobytes())
                    for row in codes
                ],
            )
        )  # fmt: skip
    return found


def test_sources__are_all_that_can_be_opened():
    """A scheme that is added to the registry joins this suite, or this fails."""
    assert {"eth+http", "eth+https"} <= set(ACCOUNT_BLOCK_SCHEMES)
    assert set(ACCOUNT_BLOCK_SCHEMES) <= {"eth+http", "eth+https", "etl"}


def test_source__sees_the_chain(source, ethereum_chain):
    blocks = ethereum_chain.blocks
    assert source.network.name == NETWORK
    assert source.first_height() == 0
    for height in (0, 1, 9, len(blocks) - 1):
        place = source.place(height)
        assert (place.height, "0x" + place.block_hash.hex()) == (height, blocks[height]["hash"])
    assert source.tip() == source.place(len(blocks) - 1)
    source.refresh()
    assert source.tip() == source.place(len(blocks) - 1)


def test_source__refuses_heights_that_it_does_not_hold(source):
    beyond = source.tip().height + 1
    for height in (-1, beyond, beyond + 1000):
        with pytest.raises(ValueError, match=str(height)):
            source.place(height)
    for start, stop in ((-1, 2), (2, 1), (0, beyond + 1)):
        with pytest.raises(ValueError, match=f"among the {beyond} blocks"):
            source.batches(start, stop)


def test_batches__hold_the_blocks_and_transactions_of_the_chain(source, ethereum_chain):
    (batch,) = source.batches(0, source.tip().height + 1)
    for row, block in enumerate(ethereum_chain.blocks):
        assert "0x" + batch.block_hash[row].tobytes().hex() == block["hash"]
        assert "0x" + batch.parent_hash[row].tobytes().hex() == block["parentHash"]
        assert batch.time[row] == int(block["timestamp"], 16)
        rows = slice(*batch.first_transaction[row : row + 2].tolist())
        ids = ["0x" + raw.tobytes().hex() for raw in batch.tx_hash[rows]]
        assert ids == [tx["hash"] for tx in block["transactions"]]


def test_batches__say_the_same_however_they_are_cut(source):
    stop = source.tip().height + 1
    (whole,) = source.batches(0, stop)
    expected = facts(whole)
    for cut in (1, 7, 20):
        parts = [*source.batches(0, cut), *source.batches(cut, stop)]
        assert [fact for part in parts for fact in facts(part)] == expected


def test_batches__are_the_same_every_time(source):
    first, second = ([*source.batches(5, 12)] for _ in range(2))
    for one, other in zip(first, second, strict=True):
        for field in dataclasses.fields(one):
            assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


def test_batches__of_no_blocks_are_none(source):
    assert [*source.batches(3, 3)] == []


def test_batches__may_be_left_half_way(source):
    begun = source.batches(0, source.tip().height + 1)
    next(begun)
    begun.close()


def test_source__says_what_contracts_say_of_themselves(source, ethereum_chain):
    names = ("weth", "usd", "old", "liar", "splitter")
    contracts = [bytes.fromhex(ethereum_chain.contracts[name][2:]) for name in names]
    weth, usd, old, liar, splitter = source.assets(contracts)
    assert (weth.symbol, weth.name, weth.decimals) == ("WETH", "Wrapped Ether", 18)
    assert (usd.symbol, usd.decimals) == ("USDX", 6)
    assert (old.symbol, old.name, old.decimals) == ("OLD", "OLD", 8)
    assert liar.decimals is None
    assert liar.name == ""
    assert liar.symbol.isprintable()
    assert (splitter.symbol, splitter.name, splitter.decimals) == ("", "", None)
    assert [claim.contract for claim in (weth, liar)] == [contracts[0], contracts[3]]


def test_source__is_named_without_secrets_and_options(source, uri):
    assert source.name == uri.partition("?")[0]


def test_source__may_be_closed_twice(uri):
    with open_account_blocks(uri, NETWORK) as opened:
        opened.close()


@pytest.mark.parametrize("network", ["ethereum", "bitcoin", "bitcoin-regtest"])
def test_source__of_another_network_is_refused_by_name(uri, network):
    with pytest.raises(SourceUnavailableError, match=rf"{network}\b") as caught:
        open_account_blocks(uri, network)
    assert "\n" not in str(caught.value)


def test_source__of_an_unknown_network_is_refused(uri):
    with pytest.raises(UnknownNetworkError, match="known are"):
        open_account_blocks(uri, "etherium")


def test_source__that_is_not_there_is_named():
    port = free_port()
    with pytest.raises(SourceUnavailableError, match=f"127.0.0.1:{port} refuses") as caught:
        open_account_blocks(f"eth+http://tests:secret@127.0.0.1:{port}/", NETWORK)
    assert "secret" not in str(caught.value)


def test_source__refuses_a_proxy_that_would_look_names_up_here(uri):
    access = Access(proxy="socks5://user:secret@127.0.0.1:9")
    with pytest.raises(SourceUnavailableError, match="socks5h://") as caught:
        open_account_blocks(uri, NETWORK, access)
    assert "secret" not in str(caught.value)
