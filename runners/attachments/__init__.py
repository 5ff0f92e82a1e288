"""Adapters that PEFT does not have: small modules at the blocks of a frozen model, one file a kind."""
