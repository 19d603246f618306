"""How often the rules are wrong: measured against known truth, and told with its population."""
