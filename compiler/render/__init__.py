"""One file an output form; all of them draw the same values."""
