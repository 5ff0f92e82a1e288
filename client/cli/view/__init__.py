"""What commands show, as plain functions from values to text; printing happens elsewhere."""
