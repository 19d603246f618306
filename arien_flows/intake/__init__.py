"""From a document that is offered to tags of addresses, with every step kept."""
