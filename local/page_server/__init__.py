"""The page's files on a port of their own, with the headers that it is meant to be served with."""
