"""What the tests of nodes as sources share: connecting, mining, and a relay that misbehaves."""

import http.client
import json
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

from chains.access import DIRECT
from chains.bitcoin.core.source import CoreNode
from chains.bitcoin.networks import REGTEST
from chains.endpoint import Endpoint
from chains.http import Patience
from tests.contract.batches import facts
from tests.http_server import Reply, serving

BRIEF = Patience(
    connect=2, silence=5, answer=5, attempts=4, first_pause=0.02, longest_pause=0.2, in_all=10
)


def connect(uri, network=REGTEST, access=DIRECT, **options):
    return CoreNode(Endpoint.parse(uri), network, access, **({"patience": BRIEF} | options))


def whole(source, start=0):
    """Return all blocks as facts, whatever the batches."""
    return [facts(batch) for batch in source.batches(start, source.tip_height() + 1)]


def mine(node, count, script="51"):
    """Mine blocks whose coinbases pay to a script that everybody can spend."""
    bare = f"raw({script})"
    checksum = node.rpc.getdescriptorinfo(bare)["checksum"]
    return node.rpc.generatetodescriptor(count, f"{bare}#{checksum}")


def reorganise(node, height, count):
    """Replace the blocks from `height` on with `count` others."""
    node.rpc.invalidateblock(node.rpc.getblockhash(height))
    mine(node, count, "52")


@contextmanager
def relay(node, spoil):
    """Pass requests on to a node, but where `spoil(asked, reply)` says something else."""
    target = urlsplit(node.url)
    lock = threading.Lock()

    def answer(asked):
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
        try:
            connection.request(asked.method, asked.path, asked.body, dict(asked.headers))
            told = connection.getresponse()
            reply = Reply(status=told.status, body=told.read())
        finally:
            connection.close()
        with lock:
            return spoil(asked, reply) or reply

    with serving(answer) as server:
        yield server, f"core+http://tests:tests@127.0.0.1:{server.port}"


def methods(asked):
    """Return the methods that a request calls."""
    if asked.method == "GET":
        return []
    return [call["method"] for call in json.loads(asked.body)]
