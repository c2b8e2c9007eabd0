"""Application and Network Load Balancers, and what they share."""
