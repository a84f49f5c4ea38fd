"""Lessons: files of text with a declared picture, a prediction, and a goal that is checked."""
