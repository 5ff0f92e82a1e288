"""What an export is made of: merging an adapter, quantising, measuring what that cost."""
