"""Numbers that say how good samples are; one file a kind of data."""
