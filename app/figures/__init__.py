"""Charts: pure functions, arrays in, Plotly figure out."""
