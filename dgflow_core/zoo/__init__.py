"""Models: what one is, how it is loaded, saved, registered and imported."""
