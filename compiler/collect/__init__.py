"""The part of the compiler that looks at the world; `gather` is its door."""
