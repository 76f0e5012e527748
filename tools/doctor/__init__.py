"""Diagnosis of a deployed platform: `python -m tools.doctor` names the first fault, and its remedy.

`collect/` gathers facts, `chapters/` judges them in the order of cause and consequence, `report.py` prints the result.
The chapters are pure functions of `Facts`, which can be saved and read again.
"""
