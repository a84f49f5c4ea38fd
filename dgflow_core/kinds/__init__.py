"""What a sample can be: a point of the plane, an image, a string. One folder each."""
