"""Rules as data: what must hold for the values of one resource, or of those it refers to."""
