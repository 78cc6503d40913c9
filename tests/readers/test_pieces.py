"""Numbers of a batch are put side by side by series, in the order of writing."""

from __future__ import annotations

import numpy as np
import pytest

from tbcli.events.batch import VALUES_A_RECORD, Points
from tbcli.readers.pieces import in_pieces


@pytest.mark.parametrize("names", [3, 70_000, 1 << 33])
@pytest.mark.parametrize("per_record", [1, 2])
def test_however_many_names_there_are_their_order_is_kept(names: int, per_record: int) -> None:
    rng = np.random.default_rng(0)
    records, numbers = np.divmod(rng.permutation(400), per_record)
    codes = 2 * (rng.integers(0, 5, 400) * (names // 5))
    files = np.sort(rng.integers(0, 3, 400)).astype(np.int32)
    order = records * VALUES_A_RECORD + numbers
    points = Points(order, codes, order.copy(), order.astype(float), order.astype(float))
    block = in_pieces(points, files)
    found = [(file, code, columns.steps.tolist()) for file, code, columns in block.stretches()]
    expected = sorted({(int(files[record]), int(code)) for record, code in zip(records, codes, strict=True)})
    assert [(file, code) for file, code, _ in found] == expected
    for file, code, steps in found:
        assert steps == sorted(order[(files[records] == file) & (codes == code)].tolist())
