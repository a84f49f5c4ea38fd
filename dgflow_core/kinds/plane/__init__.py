"""Points of the plane: data sets, metrics, densities."""
