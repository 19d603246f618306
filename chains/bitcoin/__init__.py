"""Bitcoin: networks, scripts and addresses, decoding of blocks, and the sources of blocks."""
