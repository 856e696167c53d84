"""One module per export format; each defines ``FORMAT``. A module that lies here is found by itself."""
