"""Tables about AWS, each with its source. They import nothing of Moorage."""
