"""The window: what is around the plots. It never imports torch."""
