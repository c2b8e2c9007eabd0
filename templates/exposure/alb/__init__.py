"""Routes through Application Load Balancers."""
