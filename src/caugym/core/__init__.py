"""Pure maths: graphs, structural causal models, expressions, and the exact oracle.

Probabilities are floats or fractions in [0, 1], never percent. Variables are numbered 0 to n-1 and
levels 0 to k-1; names and words belong to `caugym.problems`. Sets of variables are bitmasks: bit i
stands for variable i.
"""
