import threading

import numpy as np

from initviz.telemetry import synthetic
from initviz.worker.mailbox import Mailbox

INFO = synthetic.run_info(2, 3)


def test_scalars_are_all_kept_and_of_frames_only_the_latest() -> None:
    mailbox = Mailbox()
    mailbox.open(1)
    for step in range(5):
        mailbox.post(1, scalars=synthetic.scalars(INFO, step, 1), frame=synthetic.frame(INFO, step))
        mailbox.post(1, validation=synthetic.frame(INFO, step).validation)
    delivery = mailbox.drain()
    assert [int(part.steps[0]) for part in delivery.scalars] == [0, 1, 2, 3, 4]
    assert [score.step for score in delivery.validations] == [0, 1, 2, 3, 4]
    assert delivery.frame is not None
    assert delivery.frame.step == 4
    assert delivery
    assert not mailbox.drain()


def test_how_the_lanes_fare_is_the_latest_word() -> None:
    """It comes without a frame, too; a frame that comes later brings its own."""
    mailbox = Mailbox()
    mailbox.open(1)
    early, late = (synthetic.frame(INFO, step).lanes for step in (3, 4))
    mailbox.post(1, scalars=synthetic.scalars(INFO, 0, 1), lanes=early)
    mailbox.post(1, scalars=synthetic.scalars(INFO, 1, 1), lanes=late)
    mailbox.post(1, scalars=synthetic.scalars(INFO, 2, 1))
    assert mailbox.drain().lanes is late
    assert not mailbox.drain()
    mailbox.post(1, lanes=early)
    mailbox.post(1, frame=synthetic.frame(INFO, 5))
    assert mailbox.drain().lanes == ()
    mailbox.post(2, lanes=late)
    assert not mailbox.drain()


def test_what_an_older_run_measured_is_dropped() -> None:
    mailbox = Mailbox()
    mailbox.open(1)
    mailbox.post(1, scalars=synthetic.scalars(INFO, 0, 3))
    mailbox.open(2)
    mailbox.post(1, scalars=synthetic.scalars(INFO, 3, 3), frame=synthetic.frame(INFO, 3))
    delivery = mailbox.drain()
    assert delivery.run_id == 2
    assert not delivery


def test_it_tells_how_much_waits() -> None:
    mailbox = Mailbox()
    mailbox.open(1)
    scalars = synthetic.scalars(INFO, 0, 10)
    mailbox.post(1, scalars=scalars)
    # Steps, three numbers a lane in double, three a lane and layer in single precision.
    assert mailbox.num_bytes == 10 * (8 + 3 * 2 * 8 + 3 * 2 * 3 * 4)
    mailbox.drain()
    assert mailbox.num_bytes == 0


def test_nothing_is_lost_between_threads() -> None:
    mailbox = Mailbox()
    mailbox.open(1)
    parts = [synthetic.scalars(INFO, step, 1) for step in range(2000)]

    def post() -> None:
        for part in parts:
            mailbox.post(1, scalars=part)

    thread = threading.Thread(target=post)
    thread.start()
    seen: list[int] = []
    while thread.is_alive():
        seen += [int(part.steps[0]) for part in mailbox.drain().scalars]
    seen += [int(part.steps[0]) for part in mailbox.drain().scalars]
    np.testing.assert_array_equal(seen, np.arange(2000))
