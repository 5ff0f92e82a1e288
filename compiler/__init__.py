"""SPEC -> PLAN: pure and deterministic. Only `collect/` touches the world, in front of the passes."""
