"""How every shipped model is made. A file here that defines ``RECIPES`` adds some."""
