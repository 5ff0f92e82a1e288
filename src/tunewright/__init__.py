"""Tunewright: one spec, the whole life of a language model, with proof."""

__version__ = "0.1.0"
