"""Data made ready before training: a step of its own, kept by content, so that accelerators never wait for it."""
