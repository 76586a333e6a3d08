"""The product's figures, each with a goal and a baseline measured in the same run: `make bench`."""
