"""Slow, obvious versions of the header rules: the oracle of their tests."""

from bitcoin.core.serialize import uint256_from_compact


def work(bits: int) -> int:
    """As Bitcoin Core's GetBlockProof, for targets that are positive and fit 256 bits."""
    return 2**256 // (uint256_from_compact(bits) + 1)


def meets_target(header: bytes, block_hash: bytes) -> bool:
    """As Bitcoin Core's CheckProofOfWork, without the limit of a network."""
    size, word = header[75], int.from_bytes(header[72:75], "little")
    if word & 0x800000:
        return False
    target = word * 256 ** (size - 3) if size >= 3 else word // 256 ** (3 - size)
    return 0 < target < 2**256 and int.from_bytes(block_hash, "little") <= target


def best_chain(blocks: list[tuple[bytes, bytes, int]], genesis: bytes) -> list[int]:
    """Return the positions of the best chain, by height.

    `blocks` holds (hash, parent's hash, work) in the order in which they were seen. As a node
    does, take them one at a time; a block counts from the moment when all its ancestors are
    there, and the best chain changes only to one of more work.
    """
    position = {block[0]: index for index, block in enumerate(blocks)}
    connected: dict[int, int] = {}
    best: int | None = None
    for seen in range(len(blocks)):
        newly = []
        changed = True
        while changed:
            changed = False
            for index in range(seen + 1):
                name, parent, own = blocks[index]
                if index in connected:
                    continue
                if name == genesis:
                    connected[index] = own
                elif position.get(parent) in connected:
                    connected[index] = connected[position[parent]] + own
                else:
                    continue
                newly.append(index)
                changed = True
        for index in sorted(newly):
            if best is None or connected[index] > connected[best]:
                best = index
    chain: list[int] = []
    while best is not None:
        chain.append(best)
        name, parent, _ = blocks[best]
        best = None if name == genesis else position[parent]
    return chain[::-1]


def median_time_past(times: list[int], height: int) -> int:
    """As Bitcoin Core's GetMedianTimePast."""
    last = sorted(times[max(0, height - 10) : height + 1])
    return last[len(last) // 2]
