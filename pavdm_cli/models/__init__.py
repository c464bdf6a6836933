"""What a model offers to the rest, how one is found and loaded, and the networks themselves."""
