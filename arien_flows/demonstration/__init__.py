"""The sample investigation: a simulated chain, a vendor's listing, a theft, and what they show."""
