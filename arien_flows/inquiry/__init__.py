"""Questions that are answered by asking a source for just what they need."""
