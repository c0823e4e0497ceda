"""Studies over experiments: which values of some fields learn best. No Qt; Optuna is imported when it is needed."""
