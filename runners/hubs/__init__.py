"""Models and data sets on hubs: found in the caches of this machine, else fetched through the hubs' own libraries, and
held to digests before anything reads them.
"""
