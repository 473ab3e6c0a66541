"""The web application of Trạm: screens, APIs and database of a mass-testing round."""
