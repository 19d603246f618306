"""Measure how quickly other programs cluster by co-spending; prints JSON.

`bench_clustering.py` starts it, also with another interpreter. Imports nothing of this program.
"""

import argparse
import importlib.metadata
import json
from pathlib import Path

import numpy as np
from clustering_cases import (
    Spending,
    Stopwatch,
    checksum,
    memory_bytes,
    print_result,
    read_spending,
)


def graphsense(spending: Spending) -> None:
    """Feed one Arrow array, which is the fastest way in; `RAYON_NUM_THREADS` sets the threads."""
    import pyarrow
    from gs_clustering import Clustering

    groups = pyarrow.ListArray.from_arrays(
        pyarrow.array(spending.first_input.astype(np.int32)), pyarrow.array(spending.address)
    )
    before, watch = memory_bytes("VmRSS"), Stopwatch()
    clustering = Clustering(spending.address_count - 1)
    with watch:
        clustering.process_transactions_arrow(groups)
    peak = memory_bytes("VmHWM")
    labels = Stopwatch()
    with labels:
        named = clustering.get_mapping_min(True)
    address, label = named.column(0).to_numpy(), named.column(1).to_numpy()
    version = importlib.metadata.version("graphsense-clustering")
    print_result(
        watch,
        before,
        peak,
        version=version,
        label_seconds=labels.seconds,
        checksum=checksum(address, label),
    )


def scipy(spending: Spending) -> None:
    """Find the connected components of a matrix that joins first inputs with the others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    before, building, watch = memory_bytes("VmRSS"), Stopwatch(), Stopwatch()
    with building:
        counts = np.diff(spending.first_input)
        first = np.repeat(
            spending.address[spending.first_input[:-1][counts > 0]], counts[counts > 0]
        )
        size = spending.address_count
        ones = np.ones(len(first), dtype=np.int8)
        matrix = coo_array((ones, (first, spending.address)), shape=(size, size)).tocsr()
    with watch:
        _, component = connected_components(matrix, directed=False)
    peak = memory_bytes("VmHWM")
    # In ascending order, so the first address of a component is its smallest.
    _, smallest, which = np.unique(component, return_index=True, return_inverse=True)
    address = np.arange(size, dtype=np.uint32)
    print_result(
        watch,
        before,
        peak,
        version=importlib.metadata.version("scipy"),
        building_seconds=building.seconds,
        checksum=checksum(address, smallest[which].astype(np.uint32)),
    )


PEERS = {"graphsense": graphsense, "scipy": scipy}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    try:
        PEERS[chosen.peer](read_spending(chosen.folder))
    except ImportError as error:
        print(json.dumps({"unavailable": f"{chosen.peer} cannot be imported: {error}"}))


if __name__ == "__main__":
    main()
