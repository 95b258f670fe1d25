"""The estimands: one family of quantities = one file; `TABLE` lists them."""
