"""From an experiment to an iterator of training states: tensors, networks in lanes, optimizers. No Qt, no threads."""
