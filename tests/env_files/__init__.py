"""`.env` files in and out, against the programs that read them."""
