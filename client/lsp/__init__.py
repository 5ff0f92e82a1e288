"""`tunewright lsp`: a thin client of the compiler that speaks the Language Server Protocol. One file a request."""
