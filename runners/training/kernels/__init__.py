"""Passes through layers that are computed at once where libraries compute them piece by piece."""
