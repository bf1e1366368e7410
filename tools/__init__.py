"""Tools of the tree: run from its root."""
