"""The rooms of ViZDoom's scenario my_way_home, seen by Doom's own software renderer.

Poses and actions are those of the mazes, a cell being 64 of Doom's units: the way is worked out here and the
engine is put where it leads. Its own moves do not lead back: they slide on. What a pose shows of which room
follows from the map alone. Needs `pip install 'pavdm-cli[studies]'`.
"""
