"""Where the figures of a training are written beside its events: one library a file."""
