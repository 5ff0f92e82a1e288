"""The compiler's frozen forms below the spec: ResolvedSpec and Plan."""
