"""Averages of weights: Lookahead, stochastic weight averaging, exponential moving average."""

from __future__ import annotations

from initviz.catalog.remedy_part import RemedyPart

PARTS: tuple[RemedyPart, ...] = ()
