"""Headings above the kinds of layers in a long list."""

from __future__ import annotations

from initviz.experiment.text import Text

BASIC = Text("Dense, convolution, activation", "全连接、卷积与激活")
NORMALIZATION = Text("Normalization", "归一化")
REGULARIZATION = Text("Regularization", "正则化")
RESIDUAL = Text("Residual", "残差")
SEQUENCES = Text("Sequences", "序列")
