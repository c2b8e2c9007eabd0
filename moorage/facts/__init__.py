"""Tables about AWS, each with its source. Imports nothing of Moorage."""
