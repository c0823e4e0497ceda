"""What is to be trained: frozen, checked values, the registry's types, and the TOML file. No torch, no Qt."""
