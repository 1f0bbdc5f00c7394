"""The compiled steps of one run, or of several side by side."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import cache

import jax
from jax.sharding import NamedSharding

from simam_jax.training.metrics import EvalMetrics, TrainMetrics
from simam_jax.training.side_by_side import side_by_side
from simam_jax.training.state import TrainState
from simam_jax.training.step import Batch
from simam_jax.training.traits import Traits

States = tuple[TrainState, ...]
TrainProgram = Callable[[States, tuple[Batch, ...], tuple[Traits, ...]], tuple[States, tuple[TrainMetrics, ...]]]
EvalProgram = Callable[[States, Batch, tuple[Traits, ...]], tuple[EvalMetrics, ...]]

Like = Mapping[str, jax.ShapeDtypeStruct]


class Programs:
    """Both steps, compiled once for each number of runs that take them together.

    Compiled for one shape a step can never be traced again: another shape is an error.

    Attributes:
        train: of a number of runs: (states, batches, traits) → (states, metrics), tuples with one of every run; the
            states given are used up.
        evaluate: of a number of runs: (states, batch, traits) → metrics, one batch for all of them.
    """

    def __init__(
        self,
        train_step: Callable[[TrainState, Batch, Traits], tuple[TrainState, TrainMetrics]],
        eval_step: Callable[[TrainState, Batch, Traits], EvalMetrics],
        *,
        state_like: TrainState,
        traits_like: Traits,
        train_like: Like,
        eval_like: Like,
        metrics: NamedSharding,
        deterministic: bool,
        tracing: Callable[[], AbstractContextManager[None]],
    ):
        """Compiles nothing yet.

        Args:
            train_step, eval_step: of one run.
            state_like, traits_like: a run's shapes, dtypes and shardings.
            train_like, eval_like: those of a batch.
            metrics: where they go.
            deterministic: whether a GPU has to add up in one order.
            tracing: a context for tracing in.
        """
        self._train_step, self._eval_step = train_step, eval_step
        self._state_like, self._traits_like = state_like, traits_like
        self._train_like, self._eval_like = train_like, eval_like
        self._metrics = metrics
        self._deterministic = deterministic
        self._tracing = tracing
        self.train: Callable[[int], TrainProgram] = cache(self._compile_train)
        self.evaluate: Callable[[int], EvalProgram] = cache(self._compile_evaluate)

    def _compile_train(self, runs: int) -> TrainProgram:
        steps = side_by_side(self._train_step, jax.default_backend())

        def train(states: States, batches: tuple[Batch, ...], traits: tuple[Traits, ...]):
            return tuple(zip(*steps(states, batches, traits), strict=True))

        like = ((self._state_like,) * runs, (self._train_like,) * runs, (self._traits_like,) * runs)
        of_state = jax.tree.map(lambda leaf: leaf.sharding, self._state_like)
        return self._compile(train, like, donate_argnums=0, out_shardings=((of_state,) * runs, self._metrics))

    def _compile_evaluate(self, runs: int) -> EvalProgram:
        def evaluate(states: States, batch: Batch, traits: tuple[Traits, ...]):
            def measured(state: TrainState, own: Traits) -> EvalMetrics:
                return self._eval_step(state, batch, own)

            return side_by_side(measured, jax.default_backend())(states, traits)

        like = ((self._state_like,) * runs, self._eval_like, (self._traits_like,) * runs)
        return self._compile(evaluate, like, out_shardings=self._metrics)

    def _compile(self, function: Callable, like: tuple, **options) -> jax.stages.Compiled:
        # A GPU's fastest kernels add up in any order.
        on_gpu = self._deterministic and jax.default_backend() == "gpu"
        flags = {"xla_gpu_deterministic_ops": True} if on_gpu else None
        with self._tracing():
            return jax.jit(function, compiler_options=flags, **options).lower(*like).compile()
