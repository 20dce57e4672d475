"""The browser: pages over prepared studies."""
