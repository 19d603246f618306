import pytest

from chains.bitcoin.electrum.address import ElectrumAddress
from chains.errors import SourceUnavailableError

PIN = "ab" * 32


def test_parse__of_a_plain_server():
    address = ElectrumAddress.parse("electrum+tcp://Node.example:50001")
    assert (address.host, address.port, address.tls) == ("node.example", 50001, False)
    assert address.cert_sha256 is None
    assert address.name == "electrum+tcp://node.example:50001"


@pytest.mark.parametrize("pin", [PIN, PIN.upper(), ":".join(["AB"] * 32)])
def test_parse__of_a_pinned_certificate_as_programs_print_it(pin):
    address = ElectrumAddress.parse(f"electrum+ssl://[::1]:50002?cert_sha256={pin}")
    assert address.tls
    assert address.cert_sha256 == bytes.fromhex(PIN)
    assert address.host == "::1"
    assert address.name == "electrum+ssl://[::1]:50002"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("electrum+tcp://node.example", "names no port"),
        ("electrum+tcp://:50001", "no host"),
        ("electrum+tcp://node.example:port", "port"),
        ("electrum+tcp://node.example:99999", "port"),
        ("electrum+tcp://user:secret@node.example:50001", "a user, a password or a path"),
        ("electrum+tcp://node.example:50001/secret", "a user, a password or a path"),
        ("electrum+tcp://node.example:50001#secret", "cannot be read"),
        (f"electrum+tcp://node.example:50001?cert_sha256={PIN}", "no certificate is shown"),
        ("electrum+ssl://node.example:50002?cert_sha256=secret", "64 hexadecimal digits"),
        ("electrum+ssl://node.example:50002?cert_sha256=", "64 hexadecimal digits"),
        ("electrum+ssl://node.example:50002?secret=1", "the only one is"),
        (f"electrum+ssl://node.example:50002?cert_sha256={PIN}&secret=1", "the only one is"),
        ("electrum+http://node.example:50001", "must begin with"),
        ("electrum+tcp://[::1:50001", "cannot be read"),
    ],
)
def test_parse__says_what_is_wrong_and_repeats_nothing(uri, said):
    with pytest.raises(SourceUnavailableError, match=said) as caught:
        ElectrumAddress.parse(uri)
    assert "secret" not in str(caught.value).replace("cert_sha256", "")
    assert "\n" not in str(caught.value)
