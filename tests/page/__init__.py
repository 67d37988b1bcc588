"""The page in a real browser, and how much of it a browser has to load."""
