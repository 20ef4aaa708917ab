"""What network operations call: plain NumPy on arrays (episodes side by side, units).

A script that is handed over contains the text of those that it needs, so they refer to nothing but
NumPy, the standard library and each other.
"""
