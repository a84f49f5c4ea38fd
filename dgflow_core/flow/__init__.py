"""What moves samples: priors, divergences, the one driver, stopping rules and what a run leaves."""
