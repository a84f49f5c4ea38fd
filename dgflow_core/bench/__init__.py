"""How fast this machine is: the engine, and the app in a browser."""
