"""THE WORK, each piece in a process of its own; heavy libraries are imported inside functions."""
