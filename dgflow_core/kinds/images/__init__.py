"""Images: data sets, metrics, neighbours."""
