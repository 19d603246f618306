"""Block explorers that answer Etherscan's account questions: Etherscan, Blockscout, Routescan."""
