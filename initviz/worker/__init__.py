"""The thread that trains while the window lives, and what passes between the two."""
