"""The Lava Processes and ProcessModels.

Lava finds the models of a Process by executing every file beside it, at every compilation: these
files define classes and do nothing else.
"""
