"""One file a tuner; `tuner.py` says what such a file gives."""
