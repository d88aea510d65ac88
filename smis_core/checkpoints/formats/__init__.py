"""Foreign formats, one module each: what is in a file's content, and the networks made of it."""
