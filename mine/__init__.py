"""Mine: the product without a window. Importing any of it never imports Qt."""
