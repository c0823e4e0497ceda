"""Examples to learn from, all of them offline."""
