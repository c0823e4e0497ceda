"""Ways to start weights and biases, a file a family."""
