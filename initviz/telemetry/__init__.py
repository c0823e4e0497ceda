"""The live state of training reduced to frozen frames of NumPy arrays."""
