"""What ships beside weights: classifier features, nearest images, held-out text."""
