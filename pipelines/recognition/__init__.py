"""Known things in a photo: where something stands out, what it looks like, and which known thing it is, if any."""
