"""One file a training method; `method.py` says what such a file gives."""
