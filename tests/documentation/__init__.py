"""What the pages in docs/ say, done."""
