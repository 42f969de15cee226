"""All extractors that need the face's geometry alone, side by side: one measurement of a frame serves them all."""

from dataclasses import dataclass, field

from pipeline.types import FaceFrame, Signal
from pipeline.video import blinks, expression, gaze, head
from pipeline.video.blinks import BlinkState, follow_blinks, view_blinks
from pipeline.video.expression import ExpressionState, follow_expression, view_expression
from pipeline.video.gaze import GazeState, follow_gaze, view_gaze
from pipeline.video.geometry import FaceGeometry, measure_geometry
from pipeline.video.head import HeadState, follow_head, view_head

DEFINITIONS = (*blinks.DEFINITIONS, *gaze.DEFINITIONS, *head.DEFINITIONS, *expression.DEFINITIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeState:
    """The states of the extractors; each is bounded."""

    blinks: BlinkState = field(default_factory=BlinkState)
    gaze: GazeState = field(default_factory=GazeState)
    head: HeadState = field(default_factory=HeadState)
    expression: ExpressionState = field(default_factory=ExpressionState)

    @property
    def identity(self) -> int | None:
        """Number of the face that was followed last; None before the first."""
        return self.head.watch.identity


def follow_shape(state: ShapeState, frame: FaceFrame) -> ShapeState:
    """Take in one frame; one that is not newer than the last is left out."""
    return follow_geometry(state, measure_geometry(frame))


def follow_geometry(state: ShapeState, geometry: FaceGeometry) -> ShapeState:
    """Take in one frame that has been measured."""
    last_s = state.blinks.watch.frame_s
    if last_s is not None and geometry.t_s <= last_s:
        return state
    eyes = follow_blinks(state.blinks, geometry)
    return ShapeState(
        blinks=eyes,
        gaze=follow_gaze(state.gaze, geometry, eyes.ratio),
        head=follow_head(state.head, geometry),
        expression=follow_expression(state.expression, geometry, eyes.ratio),
    )


def view_shape(state: ShapeState, t_s: float) -> tuple[Signal, ...]:
    """Return every signal of DEFINITIONS at a tick."""
    return (
        *view_blinks(state.blinks, t_s),
        *view_gaze(state.gaze, t_s),
        *view_head(state.head, t_s),
        *view_expression(state.expression, t_s),
    )
