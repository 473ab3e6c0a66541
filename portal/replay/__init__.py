"""A real round replayed at its published size with synthetic people, through the real doors.

Đà Nẵng, August 2020 (Am J Trop Med Hyg 104(4)): 96,123 people in 22,290 field pools of 2 to 7,
24 positive pools, 104 people sampled again, 32 cases. Everything random comes from one seed, so
that a replay that was cut short goes on with the same people, tubes and codes.
"""
