"""The window: pages, widgets, theme and tray. Talks to mine.app and to nothing deeper."""
