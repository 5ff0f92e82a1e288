"""One verb a file. A pass takes the Work and returns it with more known; it reports to the sink and never raises for a
user's mistake.
"""
