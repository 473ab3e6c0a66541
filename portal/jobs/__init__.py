"""Long work in the background, with progress: imports, exports, ZIPs of certificates."""
