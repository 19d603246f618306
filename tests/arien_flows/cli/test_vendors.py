"""`arien-flows vendors`: from pages to accounts, and back to the bytes."""

import json
from pathlib import Path

from arien_flows.cli.main import run

PAGE = """<html><body><header><h1>{market}</h1></header>
<section class="vendor"><h2>Vendor: {handle}</h2>
<p class="key">PGP fingerprint: {fingerprint}</p></section>
<table class="listings"><tr><th>Product</th><th>Price (BTC)</th></tr>
<tr><td>Tea</td><td>0.01</td></tr></table>
<section class="terms"><p>Escrow only.</p></section><section class="feedback"></section>
<footer>f</footer></body></html>"""
KEY = "0123456789abcdef0123456789abcdef01234567"


def test_vendors__lists_shows_and_explains(tmp_path: Path, capsys):
    def do(*arguments: str, code: int = 0) -> str:
        assert run(["--data", str(tmp_path / "data"), *arguments]) == code
        captured = capsys.readouterr()
        return captured.out if not code else captured.err

    assert "No document in effect" in do("vendors", "list")
    for market, handle, key in (
        ("Silk Lane", "Green", KEY),
        ("Far Market", "Verdant", KEY),
        ("Far Market", "Red", KEY[::-1]),
    ):
        file = tmp_path / f"{handle}.html"
        file.write_text(PAGE.format(market=market, handle=handle, fingerprint=key))
        do("listings", "import", str(file), "--market", market, "--network", "bitcoin")

    listed = do("vendors", "list")
    assert "bitcoinx" in do("vendors", "list", "--network", "bitcoinx", code=2)
    assert "at least 8 digits" in do("listings", "show", "78b0", code=2)
    assert "far/Verdant" in listed
    assert "far/Verdant (2)" in listed
    shown = do("vendors", "show", "silk-lane/Green")
    assert f"PGP key {KEY}" in shown
    assert "Accounts of one owner (inference): far/Verdant, silk-lane/Green" in shown
    assert "Tea: 0.01 BTC" in shown
    left_out = "Left out: entities of wallets, and links by payments (no_ledger)."
    assert left_out in shown
    assert left_out in do("vendors", "why", "Green", "Verdant")
    told = json.loads(do("vendors", "show", "Green", "--json"))
    assert not told["complete"]
    place = told["keys"][0]["shown"][0]
    raw = (tmp_path / "Green.html").read_bytes()
    assert KEY.encode() in raw[place["begin"] : place["end"]]
    why = do("vendors", "why", "Green", "Verdant")
    assert "one owner" in why
    assert "same-key" in why
    assert "not joined by hard links" in do("vendors", "why", "Green", "Red")
    assert "`arien-flows vendors list`" in do("vendors", "show", "Nobody", code=2)

    sha256 = told["documents"][0]["document_sha256"]
    do("listings", "withdraw", sha256, "--reason", "planted")
    assert "silk-lane/Green" not in do("vendors", "list")
    assert "no hard link" in do("vendors", "show", "Verdant")
