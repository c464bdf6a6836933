"""Mazes and rooms seen from inside, with places that are known again by what they look like.

A ray-caster of its own: the exact pose and what each frame shows of which place are known, so a film can be
asked whether it remembers. Everything is a pure function of a seed and a number.
"""
