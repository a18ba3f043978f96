"""How fast it is: the same work by the platform, by a plain script (the floor) and by dlt.

`python -m sync_platform_tests.benchmarks` runs them side by side and prints ratios.
"""
