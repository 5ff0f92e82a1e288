"""Proximal policy optimisation: TRL 1.x has it no longer, so it is here, small enough to read."""
