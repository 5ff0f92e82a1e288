"""What the supervisor is made of, shared with the daemon's side of a bundle. Standard library only, cheap to import."""
