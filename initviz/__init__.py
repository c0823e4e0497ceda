"""InitViz shows why the way a neural network's weights start decides whether it learns."""

__version__ = "0.1.0"
