"""Other ways of personalizing the same frozen base, to compare the hypernetwork with."""
