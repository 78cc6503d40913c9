"""Adam by one kernel of TensorFlow's per variable, where Keras takes a dozen: the same formula and the same state."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

_Base: Any = object


class _Fused(_Base):  # type: ignore[misc] # Keras has no types
    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update a variable; of a gradient that is sparse, as of an embedding, Keras' way."""
        if isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index, dtype = self._get_variable_index(variable), variable.dtype
        step = tf.cast(self.iterations.value + 1, dtype)
        updated = variable.value if isinstance(variable, keras.Variable) else variable
        tf.raw_ops.ResourceApplyAdam(
            var=updated.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, dtype), step),
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(self.beta_2, dtype),
            epsilon=tf.cast(self.epsilon, dtype),
            grad=tf.cast(gradient, dtype),
            use_locking=True,
        )


class Adam(_Fused, keras.optimizers.Adam):  # type: ignore[misc]
    """Keras' Adam, but for ``amsgrad``; of the same name, as its variables are named after it."""


class AdamW(_Fused, keras.optimizers.AdamW):  # type: ignore[misc]
    """Keras' AdamW, but for ``amsgrad``; of the same name, as its variables are named after it."""
