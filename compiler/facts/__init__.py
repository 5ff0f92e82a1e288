"""What is known about the world without looking at it: models, their families, accelerators."""
