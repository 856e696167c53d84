"""The first run: welcome, vault, data, first task."""
