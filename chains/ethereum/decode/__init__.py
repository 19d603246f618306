"""What blocks, receipts and traces say, as the canonical tables; pure, no input or output."""
