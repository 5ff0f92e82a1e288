"""Jinja2 templates of text that leaves the compiler."""
