"""Sites: collection points, laboratories, vaccination and quarantine sites; are they ready?"""
