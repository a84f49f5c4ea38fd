"""Where (d, ∇d) comes from: the pair that every method consumes."""
