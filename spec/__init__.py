"""THE LANGUAGE: text in, typed spec and diagnostics out.

Nothing is imported here on purpose: runners use `tunewright.spec.canonical` and `tunewright.spec.formats` in
environments that hold
none of the control plane's libraries.
"""
