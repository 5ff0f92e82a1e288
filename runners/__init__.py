"""THE WORK, each piece in a process of its own. Heavy libraries are imported inside functions of the one file that needs them."""
