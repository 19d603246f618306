# pragma version ~=0.4.3
"""Makes deposit addresses: minimal proxies (EIP-1167) of a forwarder."""

interface Forwarder:
    def set_up(exchange: address): nonpayable

event Made:
    forwarder: indexed(address)


@external
def make(forwarder: address, exchange: address, salt: bytes32) -> address:
    made: address = create_minimal_proxy_to(forwarder, salt=salt)
    extcall Forwarder(made).set_up(exchange)
    log Made(forwarder=made)
    return made
