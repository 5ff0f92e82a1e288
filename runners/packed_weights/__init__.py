"""Weights that were quantised before they came here, held as they are and unpacked when they are multiplied."""
