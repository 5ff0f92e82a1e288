"""The embedded engine: an OpenAI-compatible endpoint on transformers' continuous batching."""
