"""GrIT: captions and pictures into grounded pairs, and those into training sequences (paper, section 2).

Nothing at run time imports this package.
"""
