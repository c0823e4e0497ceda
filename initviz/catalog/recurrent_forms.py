"""How the layers that read step by step run in lanes.

A step is one batched product of all lanes. What the input adds to every step is one product for all steps before the
first. A state that is looked at is the very tensor that the next step goes on with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor

from initviz.catalog.lstm_steps import LstmSteps, Watched, run_steps
from initviz.catalog.parts import Observer, Saved

TIME = -2
"""Axis of the steps in a sequence ``(.., T, F)``."""

Function = Callable[[Tensor], Tensor]


class _Recurrent:
    """A layer whose state goes from step to step.

    Args:
        lanes: K.
        has_bias: Whether each weight has a bias.
    """

    def __init__(self, lanes: int, has_bias: bool) -> None:
        self._lanes = lanes
        self._has_bias = has_bias
        self._product = torch.addmm if lanes == 1 else torch.baddbmm

    def _unpacked(self, tensors: Sequence[Tensor]) -> tuple[Tensor, Tensor | None, Tensor, Tensor | None]:
        """Return input weight and bias, recurrent weight and bias; biases as ``(.., 1, G)``."""
        if not self._has_bias:
            return tensors[0], None, tensors[1], None
        read, read_bias, remember, remember_bias = tensors
        return read, read_bias.unsqueeze(-2), remember, remember_bias.unsqueeze(-2)

    def _read(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return what the input adds to each step, ``(K, T, B, G)``, or ``(T, B, G)`` for K = 1.

        Args:
            x: ``(K, B, T, I)``, or ``(B, T, I)`` where all lanes share it or there is only one.
            weight: ``(K, G, I)``.
            bias: ``(K, 1, G)`` or None.
        """
        steps = x.shape[TIME]
        by_time = x.transpose(-3, -2).flatten(-3, -2)
        if self._lanes > 1 and by_time.dim() == 2:
            by_time = by_time.expand(self._lanes, *by_time.shape)
        whole = torch.matmul(by_time, weight.mT) if bias is None else self._product(bias, by_time, weight.mT)
        return torch.unflatten(whole, -2, (steps, -1))


class Vanilla(_Recurrent):
    """``h_t = f(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)``, from ``(.., B, T, I)`` to ``(.., B, T, H)``.

    The observer sees the sums before the function, and the states.

    Args:
        lanes: K.
        has_bias: Whether each weight has a bias.
        function: f, elementwise.
    """

    def __init__(self, lanes: int, has_bias: bool, function: Function) -> None:
        super().__init__(lanes, has_bias)
        self._function = function

    def __call__(self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        """See ``LaneForward``."""
        read, read_bias, remember, remember_bias = self._unpacked(tensors)
        bias = None if read_bias is None or remember_bias is None else read_bias + remember_bias
        before = list(self._read(x, read, bias).unbind(-3))
        turned = remember.mT
        states: list[Tensor] = []
        for step, given in enumerate(before):
            if step:
                before[step] = self._product(given, states[-1], turned)
            states.append(self._function(before[step]))
        if observe is not None:
            observe(before, states)
        return torch.stack(states, TIME)


class Gru(_Recurrent):
    """The gated recurrent unit as PyTorch defines it: ``h_t = (1 - z) n + z h_(t-1)``, n with the reset gate inside.

    The observer sees the states.
    """

    def __call__(self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        """See ``LaneForward``."""
        read, read_bias, remember, remember_bias = self._unpacked(tensors)
        turned = remember.mT
        units = remember.shape[-1]
        states: list[Tensor] = []
        given = self._read(x, read, read_bias).unbind(-3)
        state = torch.zeros_like(given[0][..., :units])
        for sums in given:
            recalled = (
                torch.matmul(state, turned)
                if remember_bias is None
                else self._product(remember_bias, state, turned)
            )
            gate_sums, new_sums = torch.split(sums, [2 * units, units], -1)
            gates_recalled, new_recalled = torch.split(recalled, [2 * units, units], -1)
            reset, update = torch.sigmoid(gate_sums + gates_recalled).chunk(2, -1)
            new = torch.tanh(torch.addcmul(new_sums, reset, new_recalled))
            state = new + update * (state - new)
            states.append(state)
        if observe is not None:
            observe(states, states)
        return torch.stack(states, TIME)


class Lstm(_Recurrent):
    """The long short-term memory as PyTorch defines it: ``c_t = f c_(t-1) + i g``, ``h_t = o tanh(c_t)``.

    On the processor PyTorch has all steps of one network in one function that no batching of lanes can beat, so lanes
    run in turn there. The observer sees tensors that stand for the states h: they have their values and gradient.
    """

    def __call__(self, x: Tensor, tensors: Sequence[Tensor], observe: Observer | None) -> Tensor:
        """See ``LaneForward``."""
        in_turn = x.device.type == "cpu" and not torch.is_autocast_enabled("cpu")
        states = self._in_turn(x, tensors) if in_turn else self._at_once(x, tensors)
        if observe is not None:
            with torch.no_grad():
                given, remember = self._given(x, tensors)
                values, gates, cells = run_steps(given, remember.to(given.dtype))
            seen = [value.requires_grad_() for value in values.unbind(-3)]
            observe(seen, seen)
            states = _apply(Watched, states, remember.detach(), gates, cells, *seen)
        return states.transpose(-3, TIME)

    def _given(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return what the input adds to each step, and the recurrent weight."""
        read, read_bias, remember, remember_bias = self._unpacked(tensors)
        bias = None if read_bias is None or remember_bias is None else read_bias + remember_bias
        return self._read(x, read, bias), remember

    def _at_once(self, x: Tensor, tensors: Sequence[Tensor]) -> Tensor:
        return _apply(LstmSteps, *self._given(x, tensors))

    def _in_turn(self, x: Tensor, tensors: Sequence[Tensor]) -> Tensor:
        by_time = x.transpose(-3, -2)
        if self._lanes == 1:
            return self._alone(by_time, tensors)
        inputs = [by_time] * self._lanes if x.dim() == 3 else by_time.unbind(0)
        each = zip(inputs, zip(*(tensor.unbind(0) for tensor in tensors), strict=True), strict=True)
        return torch.stack([self._alone(own, own_tensors) for own, own_tensors in each])

    def _alone(self, x: Tensor, tensors: Sequence[Tensor]) -> Tensor:
        """Return ``(T, B, H)`` of one lane, for ``(T, B, I)``."""
        weights = [tensors[0], tensors[2], tensors[1], tensors[3]] if self._has_bias else list(tensors)
        nothing = x.new_zeros((1, x.shape[1], tensors[0].shape[0] // 4))
        states, _, _ = torch.lstm(x, (nothing, nothing), weights, self._has_bias, 1, 0.0, True, False, False)
        return states


def _apply(function: type[torch.autograd.Function], *tensors: Tensor) -> Tensor:
    return cast("Callable[..., Tensor]", function.apply)(*tensors)


class LastStep:
    """The last step of a sequence.

    Args:
        steps: T.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``(.., F)`` of ``(.., T, F)``."""
        return x.select(TIME, -1), ()

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        before = grad.new_zeros((*grad.shape[:-1], self._steps, grad.shape[-1]))
        before.select(TIME, -1).copy_(grad)
        return before


class MeanOverTime:
    """The mean of all steps of a sequence.

    Args:
        steps: T.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``(.., F)`` of ``(.., T, F)``."""
        return x.mean(TIME), ()

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        share = (grad / self._steps).unsqueeze(TIME)
        return share.expand(*grad.shape[:-1], self._steps, grad.shape[-1])


class Steps:
    """An image read row by row, or a list some numbers at a time.

    Args:
        lanes: K.
        shape: One example of one lane.
        size: Numbers at a time, of a list.
    """

    def __init__(self, lanes: int, shape: tuple[int, ...], size: int) -> None:
        self._lanes = lanes
        self._shape = shape
        self._size = size

    def forward(self, x: Tensor, tensors: Sequence[Tensor]) -> tuple[Tensor, Saved]:
        """Return ``(K, B, T, F)``, or ``(B, T, F)`` where all lanes share it or there is only one."""
        if len(self._shape) == 1:
            return torch.unflatten(x, -1, (-1, self._size)), ()
        if x.shape[1] != self._shape[0]:
            x = torch.unflatten(x, 1, (self._lanes, self._shape[0])).transpose(0, 1)
        return x.transpose(-3, -2).flatten(-2), ()

    def backward(
        self,
        grad: Tensor,
        saved: Saved,
        tensors: Sequence[Tensor],
        grads: Sequence[Tensor],
        wants_input: bool,
    ) -> Tensor | None:
        """See ``LaneForm``."""
        if len(self._shape) == 1:
            return grad.flatten(-2)
        images = torch.unflatten(grad, -1, (self._shape[0], self._shape[2])).transpose(-3, -2)
        return images if images.dim() == 4 else images.transpose(0, 1).flatten(1, 2)
