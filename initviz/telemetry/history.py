"""Every scalar of a run so far, in bounded memory: what the curves are drawn from. Contract; filled in by its owner.

class RunHistory:
    def __init__(self, info: RunInfo, capacity: int = 10_000) -> None: ...
    info: RunInfo
    last_step: int                        # -1 before the first
    def append(self, scalars: Scalars) -> None
    def add_validation(self, validation: Validation) -> None      # ignores a step it already has
    def add_frame(self, frame: Frame) -> None        # keeps `first_frame`, `frame` (latest) and the heat-map columns
    frame: Frame | None ; first_frame: Frame | None
    # series: x (S',) int64 steps, y (S', K) or (S', K, L). Full resolution while it fits, then pairs of min and max a
    # bucket, so that a spike is never lost. Cheap: O(1) views, cached until the next append.
    def loss(self) -> Series ; accuracy() ; lr() ; weight_norm() ; grad_norm() ; update_ratio()
    def validation() -> Series of loss ; validation_accuracy()
    # heat maps over time: (columns, L, K) of the *maximum* log10 grad norm a column; columns bounded (about 512), doubling
    # the steps a column when full.
    def grad_norm_map() -> HeatMap(step_edges, values(K, L, C)) ; histogram_map(quantity, lane, layer) -> HeatMap of densities over time
"""
