"""Strings of characters: corpus, metrics, transcripts."""
