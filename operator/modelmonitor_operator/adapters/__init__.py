"""The edge: the only package that imports kubernetes or an HTTP client. Foreign errors become ours here."""
