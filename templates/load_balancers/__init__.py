"""Application and Network Load Balancers, and the code that they have in common."""
