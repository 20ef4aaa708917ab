"""The Lava Processes and ProcessModels.

Which ProcessModel runs a Process is said by tables, so lava does not have to look for models: it
would execute every file beside a Process, at every compilation.
"""
