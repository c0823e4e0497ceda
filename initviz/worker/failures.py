"""What a person is told when something fails that was not foreseen."""

from __future__ import annotations

from initviz.experiment.errors import InitVizError
from initviz.experiment.text import Text

_MEMORY_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")
_MAX_DETAIL = 200


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether memory ran out, on the machine or on a graphics card."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(sign in text for sign in _MEMORY_SIGNS)


def failure_text(error: BaseException) -> Text:
    """Return what is said to a person about an error.

    Args:
        error: An ``InitVizError`` speaks for itself; anything else is summed up, and its traceback belongs in the log.
    """
    if isinstance(error, InitVizError):
        return error.text
    if is_out_of_memory(error):
        return Text(
            "There is not enough memory on this device for the run, so it has ended; the experiment was not changed. "
            "Choose a smaller batch, fewer lanes, a smaller network or another device, then reset.",
            "此设备的内存不足以完成这次训练，训练已结束；实验没有任何改动。请减小批大小、赛道数或网络，"
            "或者换一个设备，然后重置。",
        )
    shown = summary(error)
    return Text(
        f"The run has ended because of a fault in the program ({shown}). The experiment was not changed, and details "
        "are in the log file. Reset to try again, or change the experiment.",
        f"程序出现故障，训练已结束（{shown}）。实验没有任何改动，详细信息在日志文件中。"
        "请重置后再试，或修改实验。",
    )


def weights_lost(error: BaseException) -> Text:
    """Return what is said where weights could not be saved for a reason that was not foreseen."""
    shown = summary(error)
    return Text(
        f"The weights were not saved because of a fault in the program ({shown}). The run goes on, and details are in "
        "the log file. Try another folder.",
        f"程序出现故障，权重未保存（{shown}）。训练会继续，详细信息在日志文件中。请换一个文件夹再试。",
    )


def summary(error: BaseException) -> str:
    """Return an error that was not foreseen in one short line."""
    detail = " ".join(str(error).split())
    if len(detail) > _MAX_DETAIL:
        detail = detail[: _MAX_DETAIL - 1] + "…"
    return f"{type(error).__name__}: {detail}" if detail else type(error).__name__
