"""The plots: one file a view, drawn from a run's history."""
