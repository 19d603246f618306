"""An Ethereum node as a source of blocks, over JSON-RPC."""
