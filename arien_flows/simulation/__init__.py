"""A seeded darknet economy, written as real block files with its ground truth beside them."""
