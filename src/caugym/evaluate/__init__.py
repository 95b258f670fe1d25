"""Measuring a model: runs that survive a crash, statistics that say what is not known, tables and reports."""
