"""Attribution: what named sources say about addresses."""
