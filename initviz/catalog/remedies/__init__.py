"""Everything that is switched on beside network, optimizer and schedule."""
