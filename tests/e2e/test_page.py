"""The page of a trace in a real browser: draws, opens nodes without moving any, and says the same.

Needs Playwright and a Chromium; looks for one on the path.
"""
