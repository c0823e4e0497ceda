"""Shared fixtures: an isolated home, and tests that fail when they leave something behind."""
