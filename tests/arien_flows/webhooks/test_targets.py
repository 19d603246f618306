"""Where webhooks may be sent: every trick to reach what only this machine can reach."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arien_flows.errors import InputError
from arien_flows.webhooks.targets import (
    TargetError,
    TargetPolicy,
    allow_list,
    checked_addresses,
    is_public,
    read_target,
)

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"


def nobody(_host: str, _port: int) -> list[str]:
    raise AssertionError("an address was looked up as if it were a name")


def named(*addresses: str):
    return lambda _host, _port: list(addresses)


def check(url: str, resolve=nobody, policy: TargetPolicy | None = None) -> list[str]:
    target = read_target(url)
    return [str(it) for it in checked_addresses(target, policy or TargetPolicy(), resolve)]


UNREADABLE = [
    "",
    "example.org",
    "//example.org/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org:70/_x",
    "javascript:alert(1)",
    "https:example.org",
    "https:///example.org",
    "https:/\\example.org",
    "https://example.org\\@127.0.0.1/",
    "https://user@example.org/",
    "https://user:pass@example.org/",
    "https://example.org@127.0.0.1/",
    "https://127.0.0.1#@example.org/",
    "https://example.org/#fragment",
    "https://example.org/ path",
    "https://example.org/\r\nX-Injected: 1",
    "https://example.org/\x00",
    "https://exam\tple.org/",
    " https://example.org/",
    "https://example.org\n",
    "https://example.org:443:80/",
    "https://example.org:0/",
    "https://example.org:65536/",
    "https://example.org:\uff14\uff14\uff13/",
    "https://example.org:-1/",
    "https://example..org/",
    "https://example.org./",
    "https://.example.org/",
    "https://-example.org/",
    "https://exa_mple.org/",
    "https://%31%32%37.0.0.1/",
    "https://127.0.0.1%00.example.org/",
    "https://ⓔxample.org/",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://münchen.example/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.0.0.01/",
    "https://127.0.0.256/",
    "https://127.0.0.0x1/",
    "https://1.2.3.4.5/",
    "https://example.0/",
    "https://[::1%25lo]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1/",
    "https://::1/",
    "https://[::ffff:127.0.0.1/",
    "https://[1::2::3]/",
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://example.org/" + "a" * 2_000,
]


@pytest.mark.parametrize("url", UNREADABLE)
def test_read_target__refuses_what_can_be_read_in_two_ways(url: str):
    with pytest.raises(TargetError):
        read_target(url)


INSIDE = [
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    "https://127.0.0.1/",
    "https://127.255.255.254/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:93.184.215.14]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::5db8:d70e]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[100::1]/",
    "https://[2001::1]/",
    "https://[2001:0:53aa:64c:0:0:80ff:fffe]/",
    "https://[2001:20::1]/",
    "https://[2001:db8::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::]/",
    "https://[3fff::1]/",
    "https://[5f00::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
]


@pytest.mark.parametrize("url", INSIDE)
def test_checked_addresses__refuse_what_is_not_public(url: str):
    with pytest.raises(TargetError, match="ARIEN_WEBHOOK_ALLOW"):
        check(url)


@pytest.mark.parametrize("url", INSIDE)
def test_checked_addresses__refuse_names_that_lead_there(url: str):
    inside = read_target(url).host
    with pytest.raises(TargetError, match="ARIEN_WEBHOOK_ALLOW") as caught:
        check("https://innocent.example/", named(inside))
    assert inside not in str(caught.value).replace("ARIEN", "")


@pytest.mark.parametrize("name", ["localhost", "metadata.google.internal", "a.nip.example"])
def test_checked_addresses__judge_every_address_of_a_name(name: str):
    for answer in ((PUBLIC, "127.0.0.1"), ("10.0.0.1", PUBLIC), (PUBLIC_V6, "::1")):
        with pytest.raises(TargetError):
            check(f"https://{name}/", named(*answer))


def test_checked_addresses__refuse_links_nothings_and_floods():
    for answer in ((), ("fe80::1%eth0",), ("nonsense",), [f"93.184.215.{n}" for n in range(40)]):
        with pytest.raises(TargetError):
            check("https://x.example/", named(*answer))

    def unknown(_host: str, _port: int) -> list[str]:
        raise OSError("Name or service not known")

    with pytest.raises(TargetError, match=r"x\.example was not found"):
        check("https://x.example/", unknown)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://x.example/", "https"),
        ("http://x.example:443/", "https"),
        ("https://x.example:80/", "port 80"),
        ("https://x.example:22/", "port 22"),
        ("https://x.example:6379/", "port 6379"),
    ],
)
def test_checked_addresses__public_ones_take_tls_and_its_ports_only(url: str, why: str):
    with pytest.raises(TargetError, match=why):
        check(url, named(PUBLIC))


def test_checked_addresses__of_a_public_name_are_what_was_looked_up():
    assert check("https://x.example/", named(PUBLIC, PUBLIC_V6)) == [PUBLIC, PUBLIC_V6]
    assert check(f"https://{PUBLIC}:8443/a?b=c") == [PUBLIC]
    assert check(f"https://[{PUBLIC_V6}]/") == [PUBLIC_V6]


def test_checked_addresses__with_a_proxy_only_the_administrator_s_list_counts():
    policy = TargetPolicy(allowed=allow_list("hive.example,10.1.2.0/24,9000"), proxy_is_set=True)
    with pytest.raises(TargetError, match="ARIEN_PROXY"):
        check("https://x.example/", named(PUBLIC), policy)
    assert check("http://hive.example:9000/", named("10.1.2.3"), policy) == ["10.1.2.3"]


def test_allow_list__binds_host_network_and_port_together():
    policy = TargetPolicy(
        allowed=allow_list(" Hive.example , 10.1.2.0/24, 9000 ;; 127.0.0.1,127.0.0.0/8,8001;")
    )
    assert check("http://HIVE.example:9000/x", named("10.1.2.3"), policy) == ["10.1.2.3"]
    assert check("http://127.0.0.1:8001/", policy=policy) == ["127.0.0.1"]
    for url, answer in (
        ("http://hive.example:9001/", "10.1.2.3"),
        ("http://hive.example:9000/", "10.1.3.3"),
        ("http://other.example:9000/", "10.1.2.3"),
        ("http://hive.example:9000/", PUBLIC),
    ):
        with pytest.raises(TargetError):
            check(url, named(answer), policy)
    with pytest.raises(TargetError):
        check("http://hive.example:9000/", named("10.1.2.3", "127.0.0.1"), policy)


@pytest.mark.parametrize(
    "text",
    [
        "hive.example",
        "hive.example,10.0.0.0/8",
        "hive.example,10.0.0.1/8,80",
        "hive.example,10.0.0.0/8,0",
        "hive.example,10.0.0.0/8,x",
        "hive example,10.0.0.0/8,80",
        "*,0.0.0.0/0,80",
    ],
)
def test_allow_list__refuses_what_it_cannot_read(text: str):
    with pytest.raises(InputError):
        allow_list(text)


@given(st.ip_addresses())
def test_is_public__claims_nothing_that_the_registries_set_apart(address):
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast
        assert getattr(address, "ipv4_mapped", None) is None
        assert getattr(address, "sixtofour", None) is None
        assert getattr(address, "teredo", None) is None


@given(st.integers(0, 2**32 - 1))
def test_is_public__refuses_every_ipv4_address_in_the_clothes_of_ipv6(number: int):
    for form in (f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}", f"64:ff9b::{number >> 16:x}:0"):
        assert not is_public(ip_address(form))
    assert not is_public(ip_address(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1"))


@given(st.text(alphabet="ab1.@:/#?\\[]%-", max_size=12))
def test_read_target__takes_a_host_only_from_where_everybody_else_does(text: str):
    try:
        target = read_target(f"https://{text}")
    except TargetError:
        return
    if ":" not in target.host:
        authority = text.split("/")[0].split("?")[0]
        assert authority in (target.host, f"{target.host}:{target.port}") or "0" in authority
        assert not set(authority) & set("@#\\%[]")
