"""What `moorage watch` knows about files that change, and about findings that come and go."""
