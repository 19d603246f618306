import csv
import gzip
import io
import json
import tarfile
import tomllib

from chains.ethereum.tokens import LIST, TokenStandard, listed, listed_assets, listed_symbol

WETH = bytes.fromhex("c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")


def test_listed__knows_assets_by_contract_and_chain():
    asset = listed(WETH, 1)
    assert asset is not None
    assert (asset.symbol, asset.decimals, asset.wraps_native) == ("WETH", 18, True)
    assert listed(WETH, 31_337) is None
    assert listed(WETH, None) is None
    assert listed(bytes(20), 1) is None


def test_listed_symbol__ignores_case():
    assert listed_symbol("usdt", 1) == listed_symbol("USDT", 1)
    assert listed_symbol("steth", 1).is_conserving is False
    assert listed_symbol("no such", 1) is None


def test_listed_assets__are_about_seventy_and_each_once():
    assets = listed_assets(1)
    assert len(assets) == 70
    assert len({asset.symbol.casefold() for asset in assets}) == 70
    assert [asset.symbol for asset in assets if asset.wraps_native] == ["WETH"]
    for asset in assets:
        assert 0 <= asset.decimals <= 18
        assert asset.source
        assert (asset.standard == TokenStandard.NFT) == (asset.symbol in ("CK", "ENS-NAME"))


def test_listed_assets__stand_as_in_the_sources_that_they_name(shared_data):
    with gzip.open(shared_data / "tags_eth/etherscan_accounts.json.gz") as file:
        labels = json.load(file)
    entries = tomllib.loads(LIST.read_text())["chain"][0]["asset"]
    for entry in entries:
        if entry["source"] == "labels":
            assert entry["address"] in labels, entry["symbol"]
    with tarfile.open(shared_data / "eth_etl/ethereum-etl_resources.tar.gz") as archive:
        path = "resources/test_export_tokens_job/token_with_alternative_return_type/"
        text = io.TextIOWrapper(archive.extractfile(path + "expected_tokens.csv"))
        row = next(csv.DictReader(text))
        path = "resources/test_stream/blocks_17173049_17173050/expected_logs.json"
        emitters = {json.loads(line)["address"] for line in archive.extractfile(path)}
    exported = {entry["address"] for entry in entries if entry["source"] == "exports"}
    assert exported <= emitters | {row["address"]}
    assert int(row["decimals"]) == listed(bytes.fromhex(row["address"][2:]), 1).decimals
