"""Base views, security, error pages, paging, scope, headers: what every screen stands on."""
