"""Quick forms: a few numbers that stand for a whole list of layers."""
