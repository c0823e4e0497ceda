"""What a start will do, told before the first step: mean field and its finite-width scatter. NumPy and SciPy alone."""
